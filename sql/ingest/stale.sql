-- The tables whose statistics know of less than half as many rows as a file alone has.
SELECT relname
  FROM pg_class
 WHERE oid = ANY (CAST(:tables AS regclass[])) AND reltuples < :rows / 2;
