-- What the import added to transactions, its own or another import's.
DELETE FROM movements WHERE import_id = :import_id;
