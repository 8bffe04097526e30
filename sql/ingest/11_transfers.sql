-- What other wallets sent to this one's addresses, or got from them, was a transfer all along.
UPDATE transactions t
   SET type = 'transfer'
  FROM wallet_addresses w
 WHERE w.wallet_id = :wallet_id AND t.network = w.network AND t.counterparty = w.address
   AND t.wallet_id <> :wallet_id AND t.type IN ('send', 'receive');
