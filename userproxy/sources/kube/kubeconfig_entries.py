"""One cluster or user of a kubeconfig: its fields as values, checked as kubectl checks them.

Relative paths are relative to the folder of the file that states them. What kubectl refuses is refused
here, for the same fields; it is not tried in the hope that the server likes it.
"""

from __future__ import annotations

from pathlib import Path

from userproxy.errors import CredentialsError
from userproxy.sources.kube.impersonation import Impersonation
from userproxy.sources.kube.kubeconfig_fields import Fields, is_header_text
from userproxy.sources.kube.proxies import check_proxy_url
from userproxy.sources.kube.secret import Secret
from userproxy.sources.kube.server_url import server_url
from userproxy.sources.kube.target import Cluster, ExecPlugin, InteractiveMode, Pem, User

__all__ = ["decode_cluster", "decode_user"]

_EXEC_EXTENSION = "client.authentication.k8s.io/exec"
_API_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


def decode_cluster(fields: Fields, folder: Path) -> Cluster:
    """Raises CredentialsError for what kubectl refuses."""
    if not fields.text("server"):
        raise CredentialsError(f"{fields.where}: has no server")
    try:
        server = server_url(fields.text("server"))
    except ValueError as error:
        raise fields.wrong("server", str(error)) from error
    proxy_url = fields.text("proxy-url")
    if proxy_url:
        try:
            check_proxy_url(proxy_url)
        except ValueError as error:
            raise fields.wrong("proxy-url", str(error)) from error
    authorities = _pem(fields, "certificate-authority", folder)
    insecure = fields.flag("insecure-skip-tls-verify")
    if insecure and authorities is not None:
        raise fields.wrong("insecure-skip-tls-verify", "makes no sense beside a certificate-authority")
    return Cluster(
        origin=fields.where,
        server=server,
        authorities=authorities,
        insecure=insecure,
        tls_server_name=fields.text("tls-server-name") or None,
        proxy_url=Secret(proxy_url) if proxy_url else None,
        disable_compression=fields.flag("disable-compression"),
        exec_config=_exec_config(fields),
    )


def decode_user(fields: Fields, folder: Path) -> User:
    """Raises CredentialsError for what kubectl refuses."""
    if fields.child("auth-provider") is not None:
        raise fields.wrong("auth-provider", "is not supported; use an exec plugin instead")
    token = fields.header_text("token")
    token_file = fields.text("tokenFile")
    username = fields.header_text("username")
    password = fields.header_text("password")
    # To kubectl a password without a name is none, save beside a token.
    if (token and (username or password)) or (token_file and username):
        raise fields.wrong("username", "stands beside a token; one is allowed")
    certificate = _pem(fields, "client-certificate", folder)
    key = _pem(fields, "client-key", folder)
    if certificate is not None and key is None:
        raise fields.wrong("client-key", "is missing beside client-certificate")
    return User(
        origin=fields.where,
        token=Secret(token) if token else None,
        token_file=folder / token_file if token_file else None,
        username=username,
        password=Secret(password) if password else None,
        certificate=certificate,
        key=key if certificate is not None else None,
        exec=_exec(fields, folder),
        impersonation=_impersonation(fields),
    )


def _pem(fields: Fields, name: str, folder: Path) -> Pem | None:
    """The file or the inline data of ``name``; kubectl refuses both at once."""
    path, data = fields.text(name), fields.pem(f"{name}-data")
    if path and data:
        raise fields.wrong(name, f"stands beside {name}-data; one is allowed")
    if data:
        return Pem(f"{fields.where}: {name}-data", text=Secret(data))
    return Pem(f"{fields.where}: {name}", path=folder / path) if path else None


def _exec(fields: Fields, folder: Path) -> ExecPlugin | None:
    plugin = fields.child("exec")
    if plugin is None:
        return None
    command, args, api_version = plugin.text("command"), plugin.texts("args"), plugin.text("apiVersion")
    if not command:
        raise plugin.wrong("command", "is missing")
    if "\0" in "".join((command, *args)):
        raise plugin.wrong("args", "they or command hold a null character")
    if api_version not in _API_VERSIONS:
        raise plugin.wrong("apiVersion", f"{api_version!r} is not one of {', '.join(_API_VERSIONS)}")
    mode = plugin.text("interactiveMode")
    if not mode and api_version != _API_VERSIONS[0]:
        mode = InteractiveMode.IF_AVAILABLE
    if mode not in list(InteractiveMode):
        raise plugin.wrong("interactiveMode", f"{mode!r} is not one of {', '.join(InteractiveMode)}")
    return ExecPlugin(
        # A name without a slash is looked up in PATH, anything else is a path like the others.
        command=str(folder / command) if "/" in command else command,
        api_version=api_version,
        args=args,
        env=tuple(_variable(variable) for variable in plugin.children("env")),
        interactive_mode=InteractiveMode(mode),
        provide_cluster_info=plugin.flag("provideClusterInfo"),
        install_hint=plugin.text("installHint"),
    )


def _variable(fields: Fields) -> tuple[str, Secret]:
    name, value = fields.text("name"), fields.text("value")
    if not name or "=" in name or "\0" in name:
        raise fields.wrong("name", "is no name of a variable")
    if "\0" in value:
        raise fields.wrong("value", "holds a null character")
    return name, Secret(value)


def _exec_config(fields: Fields) -> str:
    for extension in fields.children("extensions"):
        if extension.text("name") == _EXEC_EXTENSION:
            return extension.json("extension")
    return ""


def _impersonation(fields: Fields) -> Impersonation | None:
    user, uid, groups = fields.header_text("as"), fields.header_text("as-uid"), fields.texts("as-groups")
    extra = fields.child("as-user-extra")
    values = () if extra is None else tuple((name, extra.texts(name)) for name in extra.names())
    if not user:
        if uid or groups or values:
            raise fields.wrong("as", "is missing beside as-uid, as-groups or as-user-extra")
        return None
    texts = (*groups, *(value for _, several in values for value in several))
    if not all(is_header_text(text) for text in texts):
        raise fields.wrong("as-groups", "it or as-user-extra holds a line break or another control character")
    return Impersonation(user, groups, uid, values)
