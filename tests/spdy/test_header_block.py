"""Header blocks: one history, the standard dictionary, and blocks that are wrong or bombs."""

from __future__ import annotations

import zlib

import pytest

from userproxy.errors import RemoteProtocolError
from userproxy.spdy.dictionary import DICTIONARY
from userproxy.spdy.header_block import MAX_HEADER_BLOCK_BYTES, HeaderCompressor, HeaderDecompressor


def text(value: bytes) -> bytes:
    return len(value).to_bytes(4) + value


def compressed(block: bytes) -> bytes:
    compressor = zlib.compressobj(zdict=DICTIONARY)
    return compressor.compress(block) + compressor.flush(zlib.Z_SYNC_FLUSH)


def test_the_dictionary_is_the_one_of_the_standard() -> None:
    assert (len(DICTIONARY), zlib.adler32(DICTIONARY)) == (1423, 0xE3C6A7C2)
    assert HeaderCompressor().compress({})[2:6] == bytes.fromhex("e3c6a7c2")


def test_blocks_share_one_history() -> None:
    compressor, decompressor = HeaderCompressor(), HeaderDecompressor()
    headers = {"streamtype": "error", "port": "8080", "requestid": "17"}
    blocks = [compressor.compress(headers) for _ in range(3)]
    assert len(blocks[1]) < len(blocks[0])
    assert [decompressor.decompress(block) for block in blocks] == [headers] * 3


def test_names_are_sent_in_lower_case_and_values_as_utf_8() -> None:
    block = HeaderCompressor().compress({"StreamType": "café"})
    assert HeaderDecompressor().decompress(block) == {"streamtype": "café"}


WRONG = {
    "no count": (b"", "ends before its last header"),
    "a name cut off": (b"\0\0\0\1\0\0\0\5ab", "ends before its last header"),
    "fewer than counted": (b"\0\0\0\2" + text(b"a") + text(b"b"), "ends before its last header"),
    "more than counted": (b"\0\0\0\0x", "1 bytes behind its last header"),
    "no name": (b"\0\0\0\1" + text(b"") + text(b"b"), "a wrong name"),
    "upper case": (b"\0\0\0\1" + text(b"Ab") + text(b"b"), "a wrong name, or one twice: 'Ab'"),
    "a name twice": (b"\0\0\0\2" + (text(b"a") + text(b"b")) * 2, "one twice: 'a'"),
    "no UTF-8": (b"\0\0\0\1" + text(b"a") + text(b"\xff"), "no UTF-8"),
    "a huge length": (b"\0\0\0\1\xff\xff\xff\xff", "ends before its last header"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_block_is_refused(wrong: str) -> None:
    block, reason = WRONG[wrong]
    with pytest.raises(RemoteProtocolError, match=reason):
        HeaderDecompressor().decompress(compressed(block))


def test_a_bomb_is_not_unpacked() -> None:
    bomb = compressed(b"\0\0\0\1" + text(b"a") + text(b"x" * 50_000_000))
    assert len(bomb) < MAX_HEADER_BLOCK_BYTES
    with pytest.raises(RemoteProtocolError, match="more than 65536 bytes"):
        HeaderDecompressor().decompress(bomb)


def test_a_block_of_the_largest_size_is_taken() -> None:
    headers = {"a": "x" * (MAX_HEADER_BLOCK_BYTES - 4 - 4 - 1 - 4)}
    assert HeaderDecompressor().decompress(HeaderCompressor().compress(headers)) == headers


def test_another_dictionary_is_refused() -> None:
    compressor = zlib.compressobj(zdict=b"another")
    block = compressor.compress(b"\0\0\0\0") + compressor.flush(zlib.Z_SYNC_FLUSH)
    with pytest.raises(RemoteProtocolError, match="cannot be decompressed"):
        HeaderDecompressor().decompress(block)


def test_the_end_of_the_compression_is_refused() -> None:
    compressor = zlib.compressobj(zdict=DICTIONARY)
    with pytest.raises(RemoteProtocolError, match="ends the compression"):
        HeaderDecompressor().decompress(compressor.compress(b"\0\0\0\0") + compressor.flush())
