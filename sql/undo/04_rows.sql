-- Its rows, before the transactions that they point at.
DELETE FROM import_rows WHERE import_id = :import_id;
