"""Text in every usual encoding is read as it was written, or refused with the encoding's name."""

import codecs
import gzip
import random
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import DataError
from features.settings.engine import Engine
from features.sources import open_source
from features.sources.plausibility import believed_encoding
from features.sql import engine

TEXTS = {
    "chinese": "订单编号,买家会员名,总金额\n19,张三,￥12.50\n20,李晓明,12.50\n21,上海市浦东新区旗舰店,3.00\n",
    "traditional": "訂單編號,會員名稱,總金額\n19,林怡君,12.50\n20,臺北市信義區,3.00\n21,羊毛圍巾,1.00\n",
    "japanese": "注文番号,お客様名,合計金額\n19,佐藤 花子,1250\n20,カシミヤのマフラー,300\n21,東京都港区,5\n",
    "korean": "주문번호,고객명,주문금액\n19,김철수,12500\n20,서울특별시 강남구,300\n21,양모 머플러 배송완료,5\n",
    "german": "Bestellung,Käufer,Größe\n19,Jörg Müller,12\n20,Weiß & Söhne,3\n21,10 €,4\n",
    "french": "Numéro,Prénom,Montant payé\n19,Hélène,12\n20,Noël,3\n21,l’été à Nîmes,4\n",
    "spanish": "Pedido,Teléfono,Año\n19,Peñalver,2024\n20,Muñoz,2023\n21,Ávila,2022\n",
    "polish": "Zamówienie,Klient,Kwota\n19,Łukasz Żółć,12 zł\n20,Zażółć gęślą,3 zł\n21,Kraków,4\n",
    "russian": "Номер заказа,Покупатель,Сумма\n19,Иванов,12\n20,Москва,3\n21,отменён,4\n",
    "turkish": "Sipariş,Müşteri,Tutar\n19,Işık Çağlar,12\n20,İstanbul,3\n21,Şişli,4\n",
}
WRITTEN = [
    ("chinese", "gb18030"), ("chinese", "gbk"), ("traditional", "big5"), ("traditional", "cp950"),
    ("japanese", "cp932"), ("japanese", "shift_jis"), ("japanese", "euc_jp"), ("korean", "cp949"),
    ("german", "cp1252"), ("french", "cp1252"), ("spanish", "cp1252"), ("spanish", "latin-1"),
    ("german", "mac_roman"), ("spanish", "cp850"), ("polish", "cp1250"), ("russian", "cp1251"),
    ("russian", "koi8_r"), ("turkish", "cp1254"),
    *((text, wide) for text in TEXTS for wide in ("utf-8", "utf-8-sig", "utf-16", "utf-32")),
    *((text, wide) for text in TEXTS for wide in ("utf-16-le", "utf-16-be")),
]  # fmt: skip


def read(file: Path, encoding: str | None = None) -> list[tuple[object, ...]]:
    source = open_source(file.name, file.parent, encoding=encoding)
    with engine(Engine()) as connection:
        names = tuple(source.columns(connection))
        connection.execute(f"CREATE TABLE read_rows AS {source.relation(connection)}")
        source.verify(connection, "read_rows")
        assert connection.execute("SELECT DISTINCT source_file FROM read_rows").fetchall() == [
            (str(file),)
        ]
        rows = connection.execute(
            "SELECT * EXCLUDE (source_file, source_row) FROM read_rows ORDER BY source_row"
        ).fetchall()
        return [names, *rows]


def refusal(file: Path, encoding: str | None = None) -> str:
    with pytest.raises(DataError) as caught:
        read(file, encoding)
    assert len(caught.value.problems) == 1
    assert "Save" not in str(caught.value)
    return str(caught.value)


def cells(text: str, sign: str = ",") -> list[tuple[object, ...]]:
    return [tuple(line.split(sign)) for line in text.splitlines()]


@pytest.mark.parametrize(("name", "encoding"), WRITTEN)
def test_text_is_read_as_it_was_written(tmp_path, name, encoding):
    file = tmp_path / "orders.csv"
    file.write_bytes(TEXTS[name].encode(encoding))
    assert read(file) == cells(TEXTS[name])


@pytest.mark.parametrize("name", TEXTS)
def test_no_bytes_of_the_east_pass_as_western(name):
    encodings = {encoding for text, encoding in WRITTEN if text == name and "utf" not in encoding}
    for encoding in encodings:
        sample = TEXTS[name].encode(encoding)
        believed = believed_encoding(sample)
        assert believed is not None
        assert sample.decode(believed) == TEXTS[name]


def test_a_setting_goes_before_what_is_likely(tmp_path):
    file = tmp_path / "orders.csv"
    file.write_bytes("a,b,c\n1,¿é,2\n".encode("cp1252"))
    assert read(file, "cp1252")[1] == ("1", "¿é", "2")
    file.write_bytes(TEXTS["german"].encode("utf-8"))
    assert read(file, "utf-8") == cells(TEXTS["german"])
    file.write_bytes(TEXTS["german"].encode("utf-16"))
    assert read(file, "cp1252") == cells(TEXTS["german"]), "its first bytes say UTF-16"


@pytest.mark.parametrize("lines", [3, 40_000])
def test_an_encoding_that_does_not_fit_is_named_with_the_line(tmp_path, lines):
    file = tmp_path / "orders.csv"
    text = "a,b,c\n" + "1,2,3\n" * lines
    file.write_bytes(text.encode() + "1,2,é\n".encode("latin-1"))
    assert f"line {lines + 2} is not gb18030 text" in refusal(file, "gb18030")
    assert read(file)[-1] == ("1", "2", "é"), "a single letter far down is cp1252"


def test_utf8_with_a_few_broken_lines_is_refused(tmp_path):
    file = tmp_path / "orders.csv"
    file.write_bytes(TEXTS["german"].encode() + "1,Zoë,2\n".encode("latin-1"))
    assert "is UTF-8 but for 1 of its lines" in refusal(file)


def test_what_makes_no_text_is_refused(tmp_path):
    file = tmp_path / "orders.csv"
    noise = random.Random(3).randbytes(4_000).translate(None, b'\0\r\n"')  # noqa: S311
    file.write_bytes(b"a,b,c\n1," + noise + b",2\n")
    assert "no other encoding makes likely text of it. Set data.encoding" in refusal(file)


@pytest.mark.parametrize("sign", ["\t", ";", "|"])
@pytest.mark.parametrize("encoding", ["utf-16", "gb18030", "utf-8"])
@pytest.mark.parametrize("ending", ["txt", "CSV", "tsv", "csv.gz", "zip", "TXT.GZ"])
def test_separators_endings_and_packing(tmp_path, sign, encoding, ending):
    text = TEXTS["chinese"].replace(",", sign)
    stored = text.encode(encoding)
    file = tmp_path / f"Export.{ending}"
    if ending.lower().endswith("gz"):
        stored = gzip.compress(stored)
    file.write_bytes(stored)
    if ending == "zip":
        with zipfile.ZipFile(file, "w") as folder:
            folder.writestr("__MACOSX/._orders.csv", b"\0")
            folder.writestr("orders.csv", text.encode(encoding))
    assert read(file) == cells(text, sign)


def test_a_zip_of_two_tables_is_refused(tmp_path):
    file = tmp_path / "orders.zip"
    with zipfile.ZipFile(file, "w") as folder:
        for name in ("a.csv", "b.csv"):
            folder.writestr(name, "a,b,c\n1,2,3\n")
    assert "holds 2 files of text where one is read" in refusal(file)


def test_a_character_cut_by_a_block_is_whole(tmp_path):
    """A block of bytes ends anywhere, within a character as well."""
    text = "a,b,c\n" + "".join(f"{n},客户上海市浦东新区,{n}\n" for n in range(60_000))
    for encoding in ("gb18030", "utf-8", "utf-16"):
        file = tmp_path / f"{encoding}.csv"
        file.write_bytes(text.encode(encoding))
        assert read(file) == cells(text)


_WORDS = st.sampled_from(
    ["Müller", "café", "naïve", "Straße", "Ørsted", "año", "plain", "£5", "5 €"]
)


@settings(max_examples=25)
@given(words=st.lists(_WORDS, min_size=1, max_size=12))
def test_western_words_are_not_taken_for_eastern_ones(words):
    sample = "\n".join(words).encode("cp1252")
    if not sample.isascii():
        believed = believed_encoding(sample)
        assert believed is not None
        assert sample.decode(believed) == "\n".join(words)


def test_a_mark_belongs_to_no_name(tmp_path):
    for mark, encoding in [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_BE, "utf-16-be")]:
        file = tmp_path / "orders.csv"
        file.write_bytes(
            mark + b"".join(TEXTS["german"].encode(encoding).splitlines(keepends=True))
        )
        assert read(file)[0][0] == "Bestellung"
