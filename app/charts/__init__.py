"""Data frames in, charts out; nothing here reads a store or runs Streamlit."""
