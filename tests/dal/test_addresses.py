"""Addresses: against a library as oracle, against real ones, against broken ones."""

from __future__ import annotations

import pytest
from bip_utils import (
    AdaShelleyAddrEncoder,
    AdaShelleyAddrNetworkTags,
    Bech32Encoder,
    EthAddrEncoder,
    P2PKHAddrEncoder,
    P2SHAddrEncoder,
    P2TRAddrEncoder,
    P2WPKHAddrEncoder,
    Secp256k1PrivateKey,
    SolAddrEncoder,
    TrxAddrEncoder,
    XrpAddrEncoder,
)
from bip_utils.ecc import Ed25519PrivateKey
from hypothesis import given, settings, strategies as st

from dal import addresses, checksums
from dal.addresses import NETWORKS, canonical, display, guess_networks, is_valid, short, stored
from dal.errors import BadAddress

KEYS = st.binary(min_size=32, max_size=32).filter(lambda raw: 0 < int.from_bytes(raw) < 2**255)
#: Families whose checksum is no guarantee: case only, or none at all.
UNCHECKED = ("evm", "solana")
EVM = [name for name, network in NETWORKS.items() if network.family == "evm"]

SHELLEY = (
    "addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xw"
    "l2wywfgse35a3x"
)
REAL = [
    ("ethereum", "0x52908400098527886E0F7030069857D2E4169EE7"),
    ("ethereum", "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"),
    ("bsc", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
    ("bitcoin", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("bitcoin", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
    ("bitcoin", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    ("bitcoin", "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3"),
    ("bitcoin", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"),
    ("bitcoin", "bc1sw50qgdz25j"),  # BIP-350: version 16, two bytes
    ("litecoin", "LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1"),
    ("dogecoin", "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L"),
    ("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    ("xrp", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"),
    ("xrp", "X7AcgcsBL6XDcUb289X4mJ8djcdyKaB5hJDWMArnXr61cqZ"),
    ("solana", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"),
    ("solana", "11111111111111111111111111111111"),
    ("cardano", "Ae2tdPwUPEZFRbyhz3cpfC2CumGzNkFBN2L42rcUc2yjQpEkxDbkPodpMAi"),
    ("cardano", SHELLEY),
    ("cardano", "stake1uyehkck0lajq8gr28t9uxnuvgcqrc6070x3k9r8048z8y5gh6ffgw"),
]
BROKEN = [
    ("ethereum", "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96046"),  # checksum
    ("ethereum", "0xD8da6BF26964aF9D7eEd9e03E53415D37aA96045"),  # case
    ("ethereum", "0xd8da6bf26964af9d7eed9e03e53415d37aa9604"),
    ("ethereum", "d8da6bf26964af9d7eed9e03e53415d37aa96045"),
    ("ethereum", "0xg8da6bf26964af9d7eed9e03e53415d37aa96045"),
    ("ethereum", ""),
    ("bitcoin", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"),
    ("bitcoin", "1A1zP1eP5QGefi2DMPTfTL5SLmv7Divf0a"),  # no 0 in base58
    ("bitcoin", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"),  # test network
    ("bitcoin", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"),
    ("bitcoin", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"),
    ("bitcoin", "bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),  # mixed case
    ("bitcoin", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd"),  # bech32, not m
    ("bitcoin", "BC1SW50QA3JX3S"),  # version 16 with the checksum of bech32
    ("bitcoin", "bc1gmk9yu"),  # no data at all
    ("bitcoin", "LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1"),
    ("litecoin", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u"),
    ("tron", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("xrp", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTi"),
    ("xrp", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("solana", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt"),
    ("solana", "1111111111111111111111111111111"),
    ("cardano", "Ae2tdPwUPEZFRbyhz3cpfC2CumGzNkFBN2L42rcUc2yjQpEkxDbkPodpMAj"),
    ("cardano", "addr_test1vz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzerspjrlsz"),
    ("cardano", "addr1"),
    ("bitcoin", "1" * 500),
    ("solana", "\0" * 32),
]


@pytest.mark.parametrize(("network", "text"), REAL)
def test_real_addresses_are_accepted(network: str, text: str) -> None:
    assert network in guess_networks(text)
    assert canonical(network, f"  {text} ") == stored(network, text)


@pytest.mark.parametrize(("network", "text"), BROKEN)
def test_broken_addresses_are_refused_with_a_cure(network: str, text: str) -> None:
    with pytest.raises(BadAddress) as caught:
        canonical(network, text)
    assert caught.value.field == "address"
    assert NETWORKS[network].title in caught.value.problem
    assert caught.value.problem.endswith(".")
    assert not is_valid(network, text)


@pytest.mark.parametrize(
    ("network", "text", "form"),
    [
        ("ethereum", REAL[1][1], REAL[1][1].lower()),
        ("polygon", REAL[1][1].upper().replace("X", "x"), REAL[1][1].lower()),
        ("bitcoin", REAL[5][1].upper(), REAL[5][1]),
        ("bitcoin", REAL[3][1], REAL[3][1]),
        ("cardano", REAL[18][1].upper(), REAL[18][1]),
        ("tron", REAL[11][1], REAL[11][1]),
    ],
)
def test_the_stored_form(network: str, text: str, form: str) -> None:
    assert canonical(network, text) == form


def test_an_imported_address_is_kept_whatever_it_is() -> None:
    assert stored("ethereum", BROKEN[0][1]) == BROKEN[0][1].lower()
    assert stored("bitcoin", f" {BROKEN[6][1]} ") == BROKEN[6][1]
    assert stored("", "Anna <anna@example.org>") == "Anna <anna@example.org>"
    assert stored("", REAL[1][1]) == REAL[1][1].lower()
    assert stored("ethereum", "") == ""


def test_the_shown_form() -> None:
    assert display("ethereum", REAL[1][1].lower()) == REAL[1][1]
    assert display("", REAL[1][1].lower()) == REAL[1][1]
    assert display("bitcoin", REAL[5][1]) == REAL[5][1]
    assert display("ethereum", "somebody") == "somebody"
    assert short(REAL[1][1]) == "0xd8dA…6045"
    assert short("short") == "short"


def test_networks_go_by_many_names() -> None:
    assert addresses.network_name(" MATIC ") == "polygon"
    assert addresses.network_name("BNB Smart Chain") == "bsc"
    with pytest.raises(BadAddress) as caught:
        canonical("atlantis", REAL[0][1])
    assert caught.value.field == "network"
    assert "ethereum" in caught.value.problem


def test_an_evm_address_is_of_all_evm_networks_and_no_other() -> None:
    assert list(guess_networks(REAL[1][1])) == EVM
    assert guess_networks("nonsense") == ()


def test_keccak_is_not_sha3() -> None:
    assert checksums.keccak256(b"").hex() == (
        "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    )


@given(KEYS)
@settings(max_examples=60, deadline=None)
def test_secp256k1_addresses_agree_with_the_oracle(key: bytes) -> None:
    public = Secp256k1PrivateKey.FromBytes(key).PublicKey()
    evm = EthAddrEncoder.EncodeKey(public)
    assert display("ethereum", canonical("ethereum", evm)) == evm
    for network, text in (
        ("bitcoin", P2PKHAddrEncoder.EncodeKey(public, net_ver=b"\x00")),
        ("bitcoin", P2SHAddrEncoder.EncodeKey(public, net_ver=b"\x05")),
        ("bitcoin", P2WPKHAddrEncoder.EncodeKey(public, hrp="bc")),
        ("bitcoin", P2TRAddrEncoder.EncodeKey(public, hrp="bc")),
        ("litecoin", P2PKHAddrEncoder.EncodeKey(public, net_ver=b"\x30")),
        ("litecoin", P2WPKHAddrEncoder.EncodeKey(public, hrp="ltc")),
        ("dogecoin", P2PKHAddrEncoder.EncodeKey(public, net_ver=b"\x1e")),
        ("tron", TrxAddrEncoder.EncodeKey(public)),
        ("xrp", XrpAddrEncoder.EncodeKey(public)),
    ):
        assert canonical(network, text) == text
        assert guess_networks(text) == (network,) or text.startswith("3")


@given(KEYS)
@settings(max_examples=30, deadline=None)
def test_ed25519_addresses_agree_with_the_oracle(key: bytes) -> None:
    public = Ed25519PrivateKey.FromBytes(key).PublicKey()
    solana = SolAddrEncoder.EncodeKey(public)
    assert canonical("solana", solana) == solana
    tag = AdaShelleyAddrNetworkTags.MAINNET
    cardano = AdaShelleyAddrEncoder.EncodeKey(public, pub_skey=public, net_tag=tag)
    assert canonical("cardano", cardano) == cardano
    tag = AdaShelleyAddrNetworkTags.TESTNET
    cardano = AdaShelleyAddrEncoder.EncodeKey(public, pub_skey=public, net_tag=tag)
    assert not is_valid("cardano", cardano)


@given(
    st.sampled_from([real for real in REAL if NETWORKS[real[0]].family not in UNCHECKED]), st.data()
)
def test_one_changed_letter_is_noticed(real: tuple[str, str], data: st.DataObject) -> None:
    network, text = real
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from(checksums.BASE58.replace(text[place], "")))
    changed = text[:place] + letter + text[place + 1 :]
    assert not is_valid(network, changed)


@given(st.text(max_size=130))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    for network in NETWORKS:
        try:
            assert canonical(network, canonical(network, text)) == canonical(network, text)
        except BadAddress:
            assert stored(network, text) in (text.strip(), text.strip().lower())


def test_bech32_of_another_kind_is_no_bitcoin_address() -> None:
    assert not is_valid("bitcoin", Bech32Encoder.Encode("bc", bytes(20)))
