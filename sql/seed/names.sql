-- What the rows are named by. The last four of each are the planted ones.
INSERT INTO wallets (id, name)
SELECT n, coalesce((ARRAY['Apart', 'Old', 'Rare', 'Never'])[n - 200], 'Wallet ' || n)
  FROM generate_series(1, 204) n;

INSERT INTO wallet_addresses (network, address, wallet_id)
SELECT network, pg_temp.address(network, n), n
  FROM generate_series(1, 204) n, unnest(ARRAY['ethereum', 'bitcoin']) network;

INSERT INTO assets (id, symbol, network, contract)
SELECT n, coalesce((ARRAY['APART', 'OLD', 'RARE', 'NEVER'])[n - 300],
                   (ARRAY['ETH', 'USDC', 'WBTC'])[n], 'TOK' || n),
       'ethereum', CASE WHEN n = 1 THEN '' ELSE pg_temp.address('ethereum', 2000000 + n) END
  FROM generate_series(1, 304) n;

INSERT INTO labels (id, name, colour)
SELECT n, coalesce((ARRAY['apart', 'old', 'rare', 'never'])[n - 40], 'label ' || n),
       (enum_range(NULL::colour))[1 + n % 10]
  FROM generate_series(1, 44) n;

INSERT INTO contacts (id, name)
SELECT n, coalesce((ARRAY['Apart', 'Old', 'Rare', 'Never'])[n - 500], 'Contact ' || n)
  FROM generate_series(1, 504) n;

-- The fifty that one deals with most have three addresses on each network.
INSERT INTO contact_addresses (network, address, contact_id)
SELECT network, pg_temp.address(network, pg_temp.contact_number(n, k)), n
  FROM generate_series(1, 504) n, generate_series(0, 2) k,
       unnest(ARRAY['ethereum', 'bitcoin', 'polygon', 'base', 'bsc', 'optimism', 'arbitrum',
                    'dogecoin', 'tron']) network
 WHERE k = 0 OR n <= 50;

SELECT setval(pg_get_serial_sequence(name, 'id'), many)
  FROM (VALUES ('wallets', 204), ('assets', 304), ('labels', 44), ('contacts', 504),
               ('imports', 13), ('transactions', :rows)) s (name, many) \g /dev/null
