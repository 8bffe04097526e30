-- Dice. One hash of a row's number gives 64 bits; some of them, looked up in a prepared table of
-- 16,384 slots, give a value by Zipf: far cheaper than a power() for every row.
CREATE FUNCTION pg_temp.zipf(many int, bend float8, share float8) RETURNS int[]
LANGUAGE sql IMMUTABLE RETURN (
  WITH heaped AS (
    SELECT array_agg(below ORDER BY n) AS steps
      FROM (SELECT n, share * sum(power(n, -bend)) OVER (ORDER BY n)
                      / sum(power(n, -bend)) OVER () AS below
              FROM generate_series(1, many) n) s)
  SELECT array_agg(CASE WHEN at > share THEN 0 ELSE least(many, 1 + width_bucket(at, steps)) END
                   ORDER BY at)
    FROM heaped, (SELECT (slot + 0.5) / 16384 AS at FROM generate_series(0, 16383) slot) s);

-- 0 stands for none.
SELECT pg_temp.zipf(200, 1.2, 1) AS wallet_of, pg_temp.zipf(300, 1.5, 1) AS asset_of,
       pg_temp.zipf(500, 1.0, 0.335) AS contact_of, pg_temp.zipf(40, 0.95, 0.30) AS label_of,
       pg_temp.zipf(40, 0.95, 0.27) AS second_of, pg_temp.zipf(14, 1.4, 1) AS type_of \gset

CREATE FUNCTION pg_temp.dice(i bigint, salt bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE RETURN hashint8extended(i, salt);

-- That many bits of them, from that one on.
CREATE FUNCTION pg_temp.bits(dice bigint, at int, many int) RETURNS int
LANGUAGE sql IMMUTABLE RETURN ((dice >> at) & ((1 << many) - 1))::int;

-- What is planted on a row: on one of twenty, and never two values on one row.
CREATE FUNCTION pg_temp.planted(i bigint) RETURNS text
LANGUAGE sql IMMUTABLE RETURN
  CASE WHEN i % 20 = 0 THEN
    CASE i % 200
      WHEN 0 THEN 'apart wallet' WHEN 20 THEN 'apart type' WHEN 40 THEN 'apart asset'
      WHEN 60 THEN 'apart label' WHEN 80 THEN 'apart contact' WHEN 100 THEN 'apart network'
      WHEN 120 THEN 'apart note' WHEN 140 THEN 'apart amount'
      WHEN 160 THEN CASE WHEN i % 2000 = 160 THEN 'pending' END
      ELSE (ARRAY['rare wallet', 'rare type', 'rare asset', 'rare label', 'rare contact',
                  'rare network', 'rare note', 'rare amount', 'rare range'])
             [1 + (i % 10000) / 200]
    END
  END;

-- The dice of the rows in the oldest quarter of the time; the others have none.
CREATE FUNCTION pg_temp.old_dice(i bigint, many bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE RETURN CASE WHEN (i - 1) * 4 < many THEN hashint8extended(i, 4) END;

-- Whether they say that the row has the old value of the nth facet.
CREATE FUNCTION pg_temp.is_old(dice bigint, nth int) RETURNS boolean
LANGUAGE sql IMMUTABLE RETURN ((dice >> nth * 8) & 255) < 20;

-- The instant of a row: evenly over six years, but for ties.
CREATE FUNCTION pg_temp.instant(n bigint, many bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE RETURN to_timestamp(
  1577836800 + 189388800 * (CASE n * 100 / many
    WHEN 15 THEN many * 15 / 100 WHEN 35 THEN many * 35 / 100
    WHEN 75 THEN many * 75 / 100 WHEN 95 THEN many * 95 / 100
    WHEN 50 THEN many / 2 WHEN 51 THEN many / 2 WHEN 52 THEN many / 2 WHEN 53 THEN many / 2
    WHEN 54 THEN many / 2 WHEN 55 THEN many / 2 WHEN 56 THEN many / 2 WHEN 57 THEN many / 2
    WHEN 58 THEN many / 2 WHEN 59 THEN many / 2
    ELSE n - (n % 10 = 1)::int END) / many);

-- The import that brought a row, if one did.
CREATE FUNCTION pg_temp.import_of(n bigint, many bigint) RETURNS int
LANGUAGE sql IMMUTABLE RETURN
  CASE WHEN n * 11 >= many AND (n * 11) % many < many * 11 / 50 THEN (n * 11 / many)::int
       WHEN n >= many * 3 / 100 AND n < many * 5 / 100 THEN 11
       WHEN n >= many * 48 / 100 AND n < many * 48 / 100 + greatest(many / 10000, 1) THEN 12 END;

CREATE FUNCTION pg_temp.hex(n bigint) RETURNS text
LANGUAGE sql IMMUTABLE RETURN encode(sha256(int8send(n)), 'hex');

-- An address of that number. All of Ethereum's kin have the same.
CREATE FUNCTION pg_temp.address(network text, n bigint) RETURNS text
LANGUAGE sql IMMUTABLE RETURN
  CASE network WHEN 'ethereum' THEN '0x' || left(pg_temp.hex(n), 40)
               WHEN 'bitcoin' THEN 'bc1q' || left(pg_temp.hex(n), 38)
               WHEN '' THEN ''
               WHEN 'dogecoin' THEN 'D' || left(pg_temp.hex(n), 33)
               WHEN 'tron' THEN 'T' || left(pg_temp.hex(n), 33)
               ELSE '0x' || left(pg_temp.hex(n), 40) END;

-- The number of a contact's kth address; wallets have their own numbers, strangers those above.
CREATE FUNCTION pg_temp.contact_number(contact int, k int) RETURNS bigint
LANGUAGE sql IMMUTABLE RETURN 1000000::bigint + contact * 4 + k;
