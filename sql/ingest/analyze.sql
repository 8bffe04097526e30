-- Tell the planner what waiting rows look like; those of the first part will do for the others.
ANALYZE staged_rows (line, outcome, occurred_at, identity, tx_hash, labels),
        staged_movements (line, number, key, kind, asset),
        known_assets;
