"""Numbers about a run: pure functions of graphs, records and arrays, in NumPy. Figures and tables are in `report`."""
