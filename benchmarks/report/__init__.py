"""``python -m benchmarks report``: tables and plots out of result files, into documents too.

In: result files. Out: Markdown and SVG. A figure in a document comes from a committed file: it
stands between two markers that name the file, and a test makes it anew.

    results  what a file holds          targets   what is to be reached      tables  Markdown
    limits   targets of other modes
    svg      a picture's few elements   plot      ratios as bars             blocks  markers in documents
"""
