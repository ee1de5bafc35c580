"""Tables as Parquet, for pandas, DuckDB and all else that reads it."""

import io

import pandas as pd


def to_parquet(table: pd.DataFrame) -> bytes:
    """A Parquet file with the table's columns, names and types; its index is left out."""
    file = io.BytesIO()
    table.to_parquet(file, engine="pyarrow", index=False)
    return file.getvalue()
