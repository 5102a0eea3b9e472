"""The processes that run user code and upstream libraries for Artel; see ../README.md for their protocols."""
