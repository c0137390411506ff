"""Why traffic goes where it goes: a state in, rows for people and programs out.

Pure: it reads `routing.State` and changes nothing. The rows come from the code that also makes the
routes, so they cannot disagree with what is served. Shared by the command line and the admin page.
"""

from userproxy.explain.notes import notes
from userproxy.explain.rows import ExplainEndpoint, ExplainRow, explain
from userproxy.explain.text import render

__all__ = ["ExplainEndpoint", "ExplainRow", "explain", "notes", "render"]
