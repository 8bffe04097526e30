-- Put aside what slows a load down, as the catalogue tells it, so that there is no second list of
-- indexes here: triggers of all tables; foreign keys, keys and indexes of those with many rows.
-- back.sql makes all of it again from `aside`.
DO $$
BEGIN
  IF EXISTS (SELECT FROM transactions) OR EXISTS (SELECT FROM wallets)
     OR EXISTS (SELECT FROM imports) THEN
    RAISE EXCEPTION 'this ledger is not empty';
  END IF;
END $$;

CREATE TEMP TABLE many ON COMMIT DROP AS
SELECT unnest(ARRAY['transactions', 'movements', 'transaction_labels', 'transaction_notes',
                    'import_rows'])::regclass AS oid;

-- turn: in which order they go; they come back the other way round.
CREATE TEMP TABLE aside ON COMMIT DROP AS
SELECT 1 AS turn, conname::text AS name,
       format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS away,
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
              pg_get_constraintdef(oid)) AS back,
       format('COMMENT ON CONSTRAINT %I ON %s IS %L', conname, conrelid::regclass,
              obj_description(oid, 'pg_constraint')) AS told,
       obj_description(oid, 'pg_constraint') IS NOT NULL AS commented
  FROM pg_constraint
 WHERE contype = 'f' AND (conrelid IN (SELECT oid FROM many) OR confrelid IN (SELECT oid FROM many))
 UNION ALL
SELECT 2, conname,
       format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
              pg_get_constraintdef(oid)),
       format('COMMENT ON CONSTRAINT %I ON %s IS %L', conname, conrelid::regclass,
              obj_description(oid, 'pg_constraint')),
       obj_description(oid, 'pg_constraint') IS NOT NULL
  FROM pg_constraint
 WHERE contype IN ('p', 'u', 'x') AND conrelid IN (SELECT oid FROM many)
 UNION ALL
SELECT 3, indexrelid::regclass::text,
       format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid), '', false
  FROM pg_index
 WHERE indrelid IN (SELECT oid FROM many)
   AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid
                      AND contype IN ('p', 'u', 'x'))
 UNION ALL
SELECT 4, tgrelid::regclass::text,
       format('ALTER TABLE %s ', tgrelid::regclass)
         || string_agg(format('DISABLE TRIGGER %I', tgname), ', '),
       format('ALTER TABLE %s ', tgrelid::regclass)
         || string_agg(format('ENABLE %s TRIGGER %I', CASE tgenabled WHEN 'A' THEN 'ALWAYS'
                              WHEN 'R' THEN 'REPLICA' ELSE '' END, tgname), ', '),
       '', false
  FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
 WHERE NOT tgisinternal AND tgenabled <> 'D' AND relnamespace = current_schema()::regnamespace
 GROUP BY tgrelid
 UNION ALL
SELECT 5, pg_class.oid::regclass::text, '', '',
       format('COMMENT ON INDEX %s IS %L', pg_class.oid::regclass,
              obj_description(pg_class.oid, 'pg_class')), true
  FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid
 WHERE indrelid IN (SELECT oid FROM many) AND obj_description(pg_class.oid, 'pg_class') IS NOT NULL;

SELECT away FROM aside WHERE away <> '' ORDER BY turn, name \gexec

-- New files: where wal_level is minimal, what goes into them is not logged twice.
TRUNCATE transactions, movements, transaction_labels, transaction_notes, import_rows;
