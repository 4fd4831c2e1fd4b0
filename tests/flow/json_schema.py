# SPDX-License-Identifier: Apache-2.0
"""A JSON Schema validator for the keywords the product's schemas use; any other is an error.

Written from the specification (2020-12), independent of the product's own validator.
"""
import re

ANNOTATIONS = {"title", "description", "default", "examples", "$schema", "$defs"}
TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
}


class Unknown(Exception):
    pass


def faults(schema, value, root=None, at=""):
    """A list of "pointer: what is wrong"; empty when the value fits."""
    root = schema if root is None else root
    if schema is True:
        return []
    found = []
    for keyword, argument in schema.items():
        if keyword in ANNOTATIONS:
            continue
        check = CHECKS.get(keyword)
        if check is None:
            raise Unknown("%s: keyword %s" % (at, keyword))
        found += check(argument, value, schema, root, at)
    return found


def same(a, b):
    return type(a) is type(b) and a == b


def check_type(argument, value, schema, root, at):
    allowed = argument if isinstance(argument, list) else [argument]
    if any(TYPES[name](value) for name in allowed):
        return []
    return ["%s: %r is not %s" % (at, value, "/".join(allowed))]


def check_const(argument, value, schema, root, at):
    return [] if same(argument, value) else ["%s: is not %r" % (at, argument)]


def check_enum(argument, value, schema, root, at):
    return [] if any(same(a, value) for a in argument) else ["%s: not in the enum" % at]


def check_properties(argument, value, schema, root, at):
    if not isinstance(value, dict):
        return []
    found = []
    for name, sub in argument.items():
        if name in value:
            found += faults(sub, value[name], root, at + "/" + name)
    return found


def check_required(argument, value, schema, root, at):
    if not isinstance(value, dict):
        return []
    return ["%s: %s is missing" % (at, name) for name in argument if name not in value]


def check_additional(argument, value, schema, root, at):
    if not isinstance(value, dict):
        return []
    rest = [name for name in value if name not in schema.get("properties", {})]
    if argument is False:
        return ["%s/%s: is not allowed" % (at, name) for name in rest]
    found = []
    for name in rest:
        found += faults(argument, value[name], root, at + "/" + name)
    return found


def check_items(argument, value, schema, root, at):
    if not isinstance(value, list):
        return []
    found = []
    for n, item in enumerate(value):
        found += faults(argument, item, root, "%s/%d" % (at, n))
    return found


def check_any_of(argument, value, schema, root, at):
    every = [faults(sub, value, root, at) for sub in argument]
    if any(not found for found in every):
        return []
    return ["%s: fits none of %d: %s" % (at, len(every), min(every, key=len))]


def check_all_of(argument, value, schema, root, at):
    return [fault for sub in argument for fault in faults(sub, value, root, at)]


def check_one_of(argument, value, schema, root, at):
    fits = sum(1 for sub in argument if not faults(sub, value, root, at))
    return [] if fits == 1 else ["%s: fits %d of oneOf" % (at, fits)]


def check_ref(argument, value, schema, root, at):
    target = root
    for part in argument.lstrip("#").strip("/").split("/"):
        target = target[part.replace("~1", "/").replace("~0", "~")]
    return faults(target, value, root, at)


def check_pattern(argument, value, schema, root, at):
    fits = not isinstance(value, str) or re.search(argument, value)
    return [] if fits else ["%s: does not match %s" % (at, argument)]


def check_bound(fits, sentence):
    def check(argument, value, schema, root, at):
        return [] if fits(argument, value) else ["%s: %s %s" % (at, sentence, argument)]
    return check


def is_number(value):
    return TYPES["number"](value)


def nothing(argument, value, schema, root, at):
    return []  # format is an annotation in 2020-12


CHECKS = {
    "type": check_type, "const": check_const, "enum": check_enum,
    "properties": check_properties, "required": check_required,
    "additionalProperties": check_additional, "items": check_items,
    "anyOf": check_any_of, "allOf": check_all_of, "oneOf": check_one_of, "$ref": check_ref,
    "pattern": check_pattern, "format": nothing,
    "minLength": check_bound(lambda a, v: not isinstance(v, str) or len(v) >= a, "shorter than"),
    "maxLength": check_bound(lambda a, v: not isinstance(v, str) or len(v) <= a, "longer than"),
    "minItems": check_bound(lambda a, v: not isinstance(v, list) or len(v) >= a, "fewer than"),
    "maxItems": check_bound(lambda a, v: not isinstance(v, list) or len(v) <= a, "more than"),
    "minimum": check_bound(lambda a, v: not is_number(v) or v >= a, "below"),
    "maximum": check_bound(lambda a, v: not is_number(v) or v <= a, "above"),
}
