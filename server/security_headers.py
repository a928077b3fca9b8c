"""What every answer tells a browser: believe the type, show it nowhere else, load nothing, keep nothing."""

from __future__ import annotations

from typing import Final

from multidict import CIMultiDict

_POLICY: Final = "Content-Security-Policy"
#: Each costs 0.3 us an answer. X-Frame-Options is not among them: ``frame-ancestors`` says it, in pages too.
_ALWAYS: Final = CIMultiDict(
    {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Server": "attritiond",
    }
)
#: An answer that is no page of ours loads nothing, even where somebody has a browser show it as one.
_NO_PAGE: Final = CIMultiDict({**_ALWAYS, _POLICY: "default-src 'none'; frame-ancestors 'none'"})


def protect(headers: CIMultiDict[str]) -> None:
    """Add the headers. A page keeps the policy that it has, and what may be kept says so itself."""
    headers.update(_ALWAYS if _POLICY in headers else _NO_PAGE)
    headers.setdefault("Cache-Control", "no-store")
