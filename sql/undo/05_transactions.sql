-- The rest of what the import created.
DELETE FROM transactions WHERE import_id = :import_id;
