//! Expressions and variables.

use super::{Case, file, inside};

/// The cases: what must be refused, where, and part of the message.
pub fn cases() -> Vec<Case> {
    let mut cases = vec![];
    // The distance from the expression's start to the mistake.
    for (code, offset, expression, says) in [
        ("PGH125", 4, "1 / 0", "division by 0"),
        ("PGH125", 4, "1 % 0", "division by 0"),
        ("PGH125", 0, "9223372036854775807 * 2", "too large for a number"),
        ("PGH125", 0, "9223372036854775807 + 1", "too large for a number"),
        ("PGH125", 0, "1e308 * 10", "too large for a number"),
        ("PGH124", 4, "1 + \"a\"", "`+` needs numbers, not text"),
        ("PGH124", 0, "\"a\" + \"b\"", "join text with a template"),
        ("PGH124", 0, "[1] + [2]", "write concat(a, b)"),
        ("PGH124", 0, "true - 1", "`-` needs numbers, not true or false"),
        ("PGH124", 1, "-\"1\"", "`-` needs a number, not text"),
        ("PGH124", 1, "!1 ? 1 : 2", "`!` needs true or false, not a number"),
        ("PGH124", 8, "true && 1 ? 1 : 2", "`&&` needs true or false, not a number"),
        ("PGH124", 0, "1 || true ? 1 : 2", "`||` needs true or false, not a number"),
        ("PGH124", 0, "1 == \"1\" ? 1 : 2", "a number is never equal to text"),
        ("PGH124", 0, "\"a\" < \"b\" ? 1 : 2", "`<` needs numbers, not text"),
        ("PGH124", 0, "1 ? 2 : 3", "expected true or false, not a number"),
        ("PGH111", 0, "5 / 2", "2.5 is not a whole number"),
        ("PGH113", 0, "8 + 8", "16 is not within 0 to 15"),
        ("PGH111", 0, "true ? \"2\" : 2", "write 2 without quotes"),
        ("PGH121", 0, "env(\"COUNT\")", "a blueprint cannot read the environment"),
        ("PGH122", 0, "file(\"count\")", "`file` reads files"),
        ("PGH122", 0, "timestamp()", "a different value each time"),
        ("PGH120", 0, "lenght([1])", "did you mean `length`?"),
        ("PGH120", 0, "cidrsubnet(\"a\")", "use one of concat, join, length"),
        ("PGH120", 0, "length()", "`length` does not take 0 arguments"),
        ("PGH120", 0, "length([1], [2])", "`length` does not take 2 arguments"),
        ("PGH124", 7, "length(1)", "expected a list, a map or text, not a number"),
        ("PGH124", 7, "min(1, \"2\")", "expected a number, not text"),
        ("PGH124", 4, "max(true)", "expected a number, not true or false"),
        ("PGH123", 4, "var.nope", "there is no variable `nope`"),
        ("PGH123", 0, "local.count", "blueprints do not support locals"),
        ("PGH122", 0, "data.aws_ami.x", "`data` exists only in Terraform"),
        ("PGH122", 0, "count.index", "`count` exists only in Terraform"),
        ("PGH123", 0, "thing.count", "`thing` is not defined"),
        ("PGH121", 0, "env.COUNT", "a blueprint cannot read the environment"),
        ("PGH112", 5, "(1 + many)", "`many` without quotes is not a value"),
        ("PGH112", 0, "var", "`var` without quotes is not a value"),
        ("PGH126", 4, "[1][1]", "the list has no item 1"),
        ("PGH126", 3, "[][0]", "the list is empty"),
        ("PGH126", 4, "[1][\"a\"]", "the index of a list must be a number, not text"),
        ("PGH126", 10, "{ a = 1 }.b", "the map has no key `b`"),
        ("PGH126", 15, "{ slaves = 1 }.slave", "did you mean `slaves`?"),
        ("PGH126", 4, "(1).a", "a number cannot be indexed"),
        ("PGH127", 3, "[1][*]", "a splat is not supported"),
        ("PGH124", 17, "length([for x in 1 : x])", "expected a list or a map, not a number"),
        ("PGH112", 23, "length([for x in [1] : y])", "`y` without quotes is not a value"),
        ("PGH124", 28, "length([for x in [1] : x if x])", "expected true or false, not a number"),
        ("PGH103", 27, "length({ for x in [1, 1] : \"a\" => x })", "this `for` makes the key `a` twice"),
        ("PGH124", 24, "length({ for x in [1] : [] => x })", "expected a key, not a list"),
        ("PGH127", 7, "length({ for x in [1] : \"a\" => x... })", "grouping with `...`"),
        ("PGH127", 0, "min([1, 2]...)", "`...` is not supported"),
    ] {
        cases.push(inside(code, 2, 11 + offset, &format!("slaves {{\n  count = {expression}\n}}"), says));
    }
    let list = format!("[{}]", "1, ".repeat(100));
    let deep = "[for a in LIST : [for b in LIST : [for c in LIST : 1]]]".replace("LIST", &list);
    cases.push(inside("PGH128", 2, 956, &format!("slaves {{\n  count = length({deep})\n}}"), "shorten the expression"));
    cases.extend(texts());
    cases.extend(variables());
    cases
}

fn texts() -> Vec<Case> {
    vec![
        inside("PGH124", 2, 17, "master {\n  key_name = \"${[1]}-x\"\n}", "use join"),
        inside("PGH123", 2, 23, "master {\n  key_name = \"a-${var.key}\"\n}", "there is no variable `key`"),
        inside(
            "PGH127",
            2,
            15,
            "master {\n  key_name = \"%{ if true }a%{ endif }\"\n}",
            "template directives are not supported",
        ),
        inside("PGH124", 2, 20, "master {\n  key_name = lower(1)\n}", "expected text, not a number"),
        inside("PGH124", 2, 19, "master {\n  key_name = join(1, [\"a\"])\n}", "expected text, not a number"),
        inside("PGH124", 2, 24, "master {\n  key_name = join(\"-\", \"a\")\n}", "expected a list, not text"),
        inside("PGH124", 2, 25, "master {\n  key_name = join(\"-\", [[]])\n}", "expected text or a number, not a list"),
        inside("PGH120", 2, 14, "master {\n  key_name = join(\"-\")\n}", "write join(\", \", list)"),
        inside("PGH111", 2, 14, "master {\n  key_name = 1 + 1\n}", "write it in quotes: \"2\""),
        inside("PGH111", 2, 14, "master {\n  key_name = \"${true}\"\n}", "write it in quotes: \"true\""),
        inside("PGH124", 2, 25, "network {\n  zones = concat([\"a\"], \"a\")\n}", "expected a list, not text"),
        inside("PGH111", 2, 32, "network {\n  zones = [for z in [\"a\", 1] : z]\n}", "expected text, not a number"),
        inside("PGH142", 2, 28, "network {\n  zones = [for z in [\"a\"]: upper(z)]\n}", "is not a zone of eu-west-1"),
        inside("PGH103", 1, 19, "tags = { a = \"x\", (\"${\"a\"}\") = \"y\" }", "`a` is set twice"),
        inside("PGH124", 1, 27, "tags = merge({ a = \"x\" }, [])", "not a list"),
        inside("PGH111", 1, 8, "tags = concat([], [])", "expected a map, not a list"),
        inside(
            "PGH155",
            1,
            42,
            "tags = { for a in [\"a\", \"b\", \"c\"] : a => join(\"\", [for x in [\"1\"] : \"é;\"]) }",
            "IAM does not allow `;` in a value",
        ),
    ]
}

fn variables() -> Vec<Case> {
    const CLUSTER: &str = "cluster \"herd\" {\n  region = \"eu-west-1\"\n}\n";
    let declare = |code, line, column, body: &str, says| file(code, line, column, &format!("{body}\n{CLUSTER}"), says);
    vec![
        declare("PGH130", 1, 10, "variable \"slaves\" {}", "pass one with --var slaves=…, or set a default"),
        declare("PGH129", 1, 10, "variable \"Slaves\" { default = 1 }", "is not a valid variable name"),
        declare("PGH129", 1, 10, "variable \"a-b\" { default = 1 }", "is not a valid variable name"),
        declare("PGH106", 1, 1, "variable { default = 1 }", "a variable needs exactly one name"),
        declare("PGH106", 1, 1, "variable \"a\" \"b\" { default = 1 }", "a variable needs exactly one name"),
        declare("PGH129", 2, 10, "variable \"a\" { default = 1 }\nvariable \"a\" { default = 2 }", "is declared twice"),
        declare("PGH107", 3, 3, "variable \"a\" {\n  default = 1\n  defualt = 2\n}", "did you mean `default`?"),
        declare(
            "PGH107",
            3,
            3,
            "variable \"a\" {\n  default = 1\n  colour = 2\n}",
            "valid names here: default, description, type",
        ),
        declare(
            "PGH107",
            3,
            3,
            "variable \"a\" {\n  default = 1\n  validation {}\n}",
            "`variable.validation` is unknown",
        ),
        declare("PGH111", 3, 17, "variable \"a\" {\n  default = 1\n  description = 2\n}", "description: expected text"),
        declare("PGH129", 3, 10, "variable \"a\" {\n  default = 1\n  type = integer\n}", "write one of string, number"),
        declare("PGH129", 3, 10, "variable \"a\" {\n  default = 1\n  type = nubmer\n}", "did you mean `number`?"),
        declare(
            "PGH129",
            2,
            13,
            "variable \"a\" {\n  default = 1\n  type = string\n}",
            "the variable's type is string, but its default is a number",
        ),
        declare("PGH112", 1, 26, "variable \"a\" { default = word }", "write \"word\""),
        declare("PGH121", 1, 26, "variable \"a\" { default = env(\"A\") }", "cannot read the environment"),
        declare(
            "PGH123",
            2,
            30,
            "variable \"a\" { default = 1 }\nvariable \"b\" { default = var.a }",
            "a variable's declaration cannot refer to `var.a`",
        ),
        file(
            "PGH123",
            4,
            24,
            "variable \"slaves\" { default = 2 }\ncluster \"herd\" {\n  region = \"eu-west-1\"\n  slaves { count = var.slave }\n}\n",
            "did you mean `var.slaves`?",
        ),
        file("PGH105", 1, 1, "variable \"a\" { default = 1 }\n", "the file has no cluster block"),
        declare("PGH105", 1, 1, "locals {\n  a = 1\n}", "`locals` is a Terraform block"),
        declare("PGH105", 1, 1, "data \"aws_ami\" \"x\" {\n}", "`data` is a Terraform block"),
        declare("PGH105", 1, 1, "variabel \"x\" {\n}", "did you mean `variable`?"),
    ]
}
