"""Scripts and style sheets become one file each, and what cannot be joined fails at start."""

import pytest

from minutebook.web.bundling import SHEETS, joined_scripts, joined_sheets

PAGE = "export const $ = 1;\nconst own = 2;\nexport class Sum {\n}\n"


def test_a_script_comes_once_and_before_those_that_import_it() -> None:
    joined = joined_scripts(
        {
            "app.js": 'import { b } from "./b.js";\nimport { $ } from "./page.js";\nb($);\n',
            "b.js": '// Says b.\nimport { $, Sum } from "./page.js";\nexport const b = () => $;\n',
            "page.js": PAGE,
        }
    )
    assert (
        joined
        == """// page.js
const from_page = (() => {
const $ = 1;
const own = 2;
class Sum {
}
return { $, Sum };
})();

// b.js
const from_b = (() => {
// Says b.
const { $, Sum } = from_page;
const b = () => $;
return { b };
})();

// app.js
const from_app = (() => {
const { b } = from_b;
const { $ } = from_page;
b($);
return {  };
})();
"""
    )


@pytest.mark.parametrize(
    "line",
    [
        'import page from "./page.js";',
        'import { $ as one } from "./page.js";',
        'import "./page.js";',
        "export default 1;",
        "export { own };",
        "export let changing = 1;",
    ],
)
def test_what_cannot_be_joined_never_ships(line: str) -> None:
    with pytest.raises(ValueError, match=r"app\.js (cannot be joined|imports \$ as one)"):
        joined_scripts({"app.js": f"{line}\n", "page.js": PAGE})


def test_scripts_cannot_import_one_another_in_a_circle() -> None:
    with pytest.raises(ValueError, match=r"app\.js > b\.js > app\.js"):
        joined_scripts({"app.js": 'import { b } from "./b.js";\n', "b.js": 'import { a } from "./app.js";\n'})


def test_a_script_imports_what_another_exports() -> None:
    with pytest.raises(ValueError, match=r"app\.js imports own from page\.js"):
        joined_scripts({"app.js": 'import { $, own } from "./page.js";\n', "page.js": PAGE})
    with pytest.raises(ValueError, match=r"none\.js"):
        joined_scripts({"app.js": 'import { $ } from "./none.js";\n'})


def test_sheets_are_joined_in_their_order() -> None:
    sheets = {f"{name}.css": f"/* {name} */" for name in sorted(SHEETS)}
    assert joined_sheets(sheets) == "\n".join(f"/* {name} */" for name in SHEETS)
    with pytest.raises(ValueError, match=r"another\.css"):
        joined_sheets({**sheets, "another.css": ""})
