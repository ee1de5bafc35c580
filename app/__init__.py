"""The dashboard; `streamlit run app/main.py` or `smd app` serves it."""
