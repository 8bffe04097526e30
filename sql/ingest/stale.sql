-- Whether the statistics of a large table know of fewer rows than a file alone has.
SELECT min(reltuples) < :rows
  FROM pg_class
 WHERE oid IN ('transactions'::regclass, 'movements'::regclass, 'import_rows'::regclass);
