-- The large tables whose statistics know of less than half as many rows as a file alone has.
SELECT relname
  FROM pg_class
 WHERE oid IN ('transactions'::regclass, 'movements'::regclass, 'import_rows'::regclass)
   AND reltuples < :rows / 2;
