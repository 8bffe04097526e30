-- Contacts that came with the import and that nobody has edited or chosen since.
DELETE FROM contacts c
 WHERE c.import_id = :import_id AND c.version = 1
   AND NOT EXISTS (SELECT FROM transactions t WHERE t.contact_id = c.id);
