/* SPDX-License-Identifier: Apache-2.0 */
/* The one style of the pages: light and dark, from a telephone's width on. */
#include "core/connect_private.h"

static const char css[] =
    ":root{--page:#f4f5f7;--card:#fff;--text:#1c2230;--quiet:#55607a;--line:#c9cfdb;"
    "--main:#1f4fd8;--on:#fff;--good:#0d6b3f;--good-back:#e5f5ec;--bad:#a11a22;"
    "--bad-back:#fdecec}\n"
    "@media(prefers-color-scheme:dark){:root{--page:#11151d;--card:#1a202b;"
    "--text:#e8ebf2;--quiet:#a3adc2;--line:#3b465a;--main:#8fb0ff;--on:#0d1424;"
    "--good:#7fd8a8;--good-back:#12301f;--bad:#ffa3a3;--bad-back:#3a171a}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--page);color:var(--text);"
    "font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}\n"
    "main{max-width:38rem;margin:2.5rem auto;padding:2rem;background:var(--card);"
    "border:1px solid var(--line);border-radius:12px}\n"
    "h1{margin:0 0 1rem;font-size:1.6rem;line-height:1.25}\n"
    "h2{margin:1.5rem 0 .25rem;font-size:1.1rem}\n"
    "p{margin:.5rem 0}\n"
    "a{color:var(--main)}\n"
    "code{font:.95em ui-monospace,monospace;overflow-wrap:anywhere}\n"
    "dl{margin:1rem 0}dt{color:var(--quiet);font-size:.9rem}dd{margin:0}\n"
    ".good,.bad{padding:.75rem 1rem;border-radius:8px;border-left:4px solid}\n"
    ".good{color:var(--good);background:var(--good-back)}\n"
    ".bad{color:var(--bad);background:var(--bad-back);margin-bottom:1rem}\n"
    ".bad h2{margin:0}\n"
    ".ways{list-style:none;margin:1rem 0;padding:0}\n"
    ".ways a{display:block;margin:.75rem 0;padding:1rem;border:1px solid var(--line);"
    "border-radius:8px;color:inherit;text-decoration:none}\n"
    ".ways a:hover{border-color:var(--main)}\n"
    ".ways b{display:block;color:var(--main)}\n"
    ".ways span{display:block;color:var(--quiet);font-size:.95rem}\n"
    ".field{margin:1.25rem 0}\n"
    "label{display:block;font-weight:600;margin-bottom:.3rem}\n"
    "input,select,textarea{width:100%;min-height:2.75rem;padding:.5rem .75rem;"
    "color:inherit;background:var(--page);border:1px solid var(--line);"
    "border-radius:8px;font:inherit}\n"
    "textarea{font:.85rem/1.4 ui-monospace,monospace}\n"
    "[aria-invalid]{border-color:var(--bad);border-width:2px}\n"
    ".help{color:var(--quiet);font-size:.9rem;margin:.3rem 0}\n"
    ".error{color:var(--bad);font-size:.95rem;font-weight:600;margin:.3rem 0}\n"
    ".actions{margin:1.5rem 0 .5rem}\n"
    "button,.button{display:inline-block;padding:.7rem 1.4rem;border:0;"
    "border-radius:8px;background:var(--main);color:var(--on);font:inherit;"
    "font-weight:600;text-decoration:none;cursor:pointer}\n"
    ".aside{font-size:.95rem}\n"
    ":focus-visible{outline:3px solid var(--main);outline-offset:2px}\n"
    "@media(max-width:40rem){main{margin:0;padding:1.25rem;border:0;border-radius:0;"
    "min-height:100vh}button,.button{display:block;width:100%;text-align:center}}\n";

void connect_page_style(struct connect *connect)
{
    connect_respond_style(connect, slice_of(css, sizeof css - 1));
}
