"""What a run shows: figures, tables, the HTML page and the run folder. The only room that imports matplotlib."""
