-- The ids of the assets that a part names first. A contract is an identity, else the symbol is.
INSERT INTO known_assets (number, asset_id)
SELECT s.number, a.id
  FROM staged_assets s
  JOIN assets a ON a.network = s.network AND a.contract = s.contract
               AND (s.contract <> '' OR a.symbol = s.symbol);
