"""Files that are predicted over: read in pieces, written whole or not at all."""

from __future__ import annotations

import glob
import os
import pathlib
from collections.abc import Iterator


def matching(patterns: list[str]) -> list[str]:
    """The files that the patterns name, in order. A pattern that names none is an error: nothing is left out silently."""
    found: dict[str, None] = {}
    for pattern in patterns:
        names = sorted(name for name in glob.glob(pattern, recursive=True) if os.path.isfile(name))
        if not names:
            raise FileNotFoundError(f"no file matches {pattern}")
        found |= dict.fromkeys(names)
    return list(found)


def predict(model, path: str, output: str, column: str, columns: list[str] | None, chunk_rows: int) -> tuple[str, int]:
    """Predict over one file. Returns the file written and its rows."""
    target = pathlib.Path(output) / pathlib.Path(path).name
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.realpath(target) == os.path.realpath(path):
        raise ValueError(f"the predictions over {path} would overwrite it: choose another output folder")
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    rows = 0
    try:
        with Writer(partial, target.suffix) as writer:
            for frame in pieces(path, chunk_rows, column_types(model)):
                given = frame[columns] if columns else frame
                writer.write(with_predictions(frame, model.predict(given), column))
                rows += len(frame)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return str(target), rows


def with_predictions(frame, predicted, column: str):
    """The frame with one more column; with one per column of the predictions, when these are a table."""
    import pandas

    frame = frame.reset_index(drop=True)
    if isinstance(predicted, pandas.DataFrame) and predicted.shape[1] > 1:
        return frame.join(predicted.reset_index(drop=True).add_prefix(f"{column}_"))
    if isinstance(predicted, pandas.DataFrame):
        predicted = predicted.iloc[:, 0]
    return frame.assign(**{column: list(predicted)})


def column_types(model) -> dict[str, str]:
    """How columns of text files are to be read: as the model's signature says, where whole numbers would else become
    integers, which MLflow refuses for a column of floats, and codes of digits would lose their zeros."""
    schema = model.metadata.get_input_schema() if model.metadata is not None else None
    if schema is None or schema.is_tensor_spec() or not schema.has_input_names():
        return {}
    known = {"double": "float64", "float": "float32", "string": "str"}
    names = {column.name: getattr(column.type, "name", "") for column in schema.inputs}
    return {name: known[kind] for name, kind in names.items() if kind in known}


def pieces(path: str, chunk_rows: int, types: dict[str, str]) -> Iterator:
    """Frames of at most so many rows; ``types`` are for formats that have none of their own."""
    import pandas

    suffix = pathlib.Path(path).suffix
    if suffix == ".csv":
        yield from pandas.read_csv(path, chunksize=chunk_rows, dtype=types)
    elif suffix in (".json", ".jsonl"):
        yield from pandas.read_json(path, lines=True, chunksize=chunk_rows, dtype=types or None)
    elif suffix == ".parquet":
        import pyarrow.parquet

        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=chunk_rows):
                yield batch.to_pandas()
    else:
        raise ValueError(f"{path}: {suffix or 'no ending'} is none of .csv, .json, .jsonl, .parquet")


class Writer:
    """Appends frames to a file of the format that ``suffix`` names."""

    def __init__(self, path: pathlib.Path, suffix: str) -> None:
        self.path, self.suffix, self.first, self.parquet = path, suffix, True, None

    def __enter__(self) -> Writer:
        return self

    def write(self, frame) -> None:
        if self.suffix == ".csv":
            frame.to_csv(self.path, mode="w" if self.first else "a", header=self.first, index=False)
        elif self.suffix in (".json", ".jsonl"):
            frame.to_json(self.path, mode="w" if self.first else "a", orient="records", lines=True)
        else:
            self.write_parquet(frame)
        self.first = False

    def write_parquet(self, frame) -> None:
        import pyarrow
        import pyarrow.parquet

        table = pyarrow.Table.from_pandas(frame, preserve_index=False)
        if self.parquet is None:
            self.parquet = pyarrow.parquet.ParquetWriter(self.path, table.schema)
        self.parquet.write_table(table)

    def __exit__(self, *_: object) -> None:
        if self.parquet is not None:
            self.parquet.close()
        if self.first:
            self.path.touch()
