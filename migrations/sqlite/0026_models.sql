-- Tables for people: views over all connections, made by the program from its table of columns. Which program's views are there.
CREATE TABLE fleet_models (
    name        TEXT NOT NULL PRIMARY KEY,          -- of the view
    fingerprint TEXT NOT NULL,                      -- of the statements that made all of them
    laid_out_at TEXT NOT NULL
);
