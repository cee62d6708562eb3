"""Checks of documents, and of the table of operations, against a botocore service model.

The model is data, `service-2.json`; only what such a model can say is known here: types, required and
known members, lengths, ranges, patterns, enumerations, unions.
"""

import json
import re

from credentials import OPTIONAL, PARAMETERS
from service import OPERATIONS, Length, OneOf, Whole

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


class Model:
    def __init__(self, document):
        self._operations = document["operations"]
        self._shapes = document["shapes"]

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as file:
            return cls(json.load(file))

    def violations(self, operation, document):
        """What is wrong with a successful answer of an operation: a list of `path: problem` texts."""
        return list(self._check(self._operations[operation]["output"]["shape"], document, "$"))

    def table_violations(self):
        """Where service.OPERATIONS differs from the model: paths, parameters and their constraints."""
        for operation in OPERATIONS:
            modelled = self._operations[operation.name]
            if modelled["http"] != {"method": "GET", "requestUri": operation.path, "responseCode": 200}:
                yield f"{operation.name}: {modelled['http']}, not GET {operation.path}"
            members = self._shapes[modelled["input"]["shape"]]["members"] if "input" in modelled else {}
            ours = {parameter.member: parameter for parameter in (*operation.labels, *operation.query)}
            for member in sorted(members.keys() ^ ours.keys()):
                yield f"{operation.name}: {member} is known on one side only"
            for member in sorted(members.keys() & ours.keys()):
                shape = self._shapes[members[member]["shape"]]
                if members[member]["locationName"] != ours[member].wire:
                    yield f"{operation.name}: {member} is {members[member]['locationName']} on the wire"
                if _constraint(shape) != ours[member].constraint:
                    yield f"{operation.name}: {member} is {_constraint(shape)}, not {ours[member].constraint}"

    def form_violations(self):
        """Where credentials.PARAMETERS differs from STS's model, of the parameters that are read."""
        for operation, parameters in PARAMETERS.items():
            modelled = self._shapes[self._operations[operation]["input"]["shape"]]
            ours = {parameter.wire: parameter.constraint for parameter in parameters}
            required = {member for member in ours if member not in OPTIONAL}
            if required != set(modelled.get("required", ())):
                yield f"{operation}: {sorted(required)} are required, not {modelled.get('required')}"
            for member in sorted(ours.keys() - modelled["members"].keys()):
                yield f"{operation}: {member} is unknown"
            for member in sorted(ours.keys() & modelled["members"].keys()):
                constraint = _constraint(self._shapes[modelled["members"][member]["shape"]])
                if constraint != ours[member]:
                    yield f"{operation}: {member} is {constraint}, not {ours[member]}"

    def _check(self, name, value, path):
        shape = self._shapes[name]
        yield from getattr(self, f"_check_{shape['type']}")(shape, value, path)

    def _check_structure(self, shape, value, path):
        if not isinstance(value, dict):
            yield f"{path}: no object"
            return
        for member in shape.get("required", ()):
            if member not in value:
                yield f"{path}: required {member} is absent"
        if shape.get("union") and len(value) != 1:
            yield f"{path}: a union with {len(value)} members"
        for member, item in value.items():
            if member not in shape["members"]:
                yield f"{path}.{member}: unknown member"
            else:
                yield from self._check(shape["members"][member]["shape"], item, f"{path}.{member}")

    def _check_list(self, shape, value, path):
        if not isinstance(value, list):
            yield f"{path}: no array"
            return
        yield from _check_size(shape, len(value), path)
        for index, item in enumerate(value):
            yield from self._check(shape["member"]["shape"], item, f"{path}[{index}]")

    def _check_map(self, shape, value, path):
        if not isinstance(value, dict):
            yield f"{path}: no object"
            return
        yield from _check_size(shape, len(value), path)
        for key, item in value.items():
            yield from self._check(shape["key"]["shape"], key, f"{path}.{key}")
            yield from self._check(shape["value"]["shape"], item, f"{path}.{key}")

    def _check_string(self, shape, value, path):
        if not isinstance(value, str):
            yield f"{path}: no string"
            return
        yield from _check_size(shape, len(value), path)
        if "pattern" in shape and not re.match(shape["pattern"], value):
            yield f"{path}: does not match {shape['pattern']}"
        if "enum" in shape and value not in shape["enum"]:
            yield f"{path}: {value} is not in the enumeration"

    def _check_timestamp(self, shape, value, path):
        if not isinstance(value, str) or not TIMESTAMP.fullmatch(value):
            yield f"{path}: no timestamp"

    def _check_boolean(self, shape, value, path):
        if not isinstance(value, bool):
            yield f"{path}: no boolean"

    def _check_integer(self, shape, value, path):
        if not isinstance(value, int) or isinstance(value, bool):
            yield f"{path}: no integer"
        else:
            yield from _check_size(shape, value, path)

    def _check_double(self, shape, value, path):
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            yield f"{path}: no number"
        else:
            yield from _check_size(shape, value, path)

    _check_float = _check_double


def _check_size(shape, size, path):
    if size < shape.get("min", size) or size > shape.get("max", size):
        yield f"{path}: {size} is outside {shape.get('min')}..{shape.get('max')}"


def _constraint(shape):
    """A parameter's shape as service.py writes it."""
    if shape["type"] == "integer":
        return Whole(shape["min"], shape.get("max", Whole(0).high))
    if "enum" in shape:
        return OneOf(tuple(shape["enum"]))
    return Length(shape.get("min", 0), shape.get("max", 2**31), shape.get("pattern"))
