-- Labels that came with the import and hang nowhere any more.
DELETE FROM labels l
 WHERE l.import_id = :import_id AND l.version = 1
   AND NOT EXISTS (SELECT FROM transaction_labels tl WHERE tl.label_id = l.id);
