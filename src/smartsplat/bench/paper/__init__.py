"""The tables and figures of the paper: Table 1 and 2, Fig. 4 and 5, each a job that goes on where it was left."""
