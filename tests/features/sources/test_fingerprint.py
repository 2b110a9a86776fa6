import os

from features.sources.fingerprint import code_digest, digest_of, mark_of


def test_a_file_is_known_again_by_size_time_and_both_ends(tmp_path):
    file = tmp_path / "orders.csv"
    file.write_bytes(b"a" * 200_000)
    mark = mark_of(file)
    assert mark == mark_of(file)
    for place in (0, 199_999):
        changed = bytearray(b"a" * 200_000)
        changed[place] = ord("b")
        file.write_bytes(changed)
        os.utime(file, ns=(mark.changed_ns, mark.changed_ns))
        assert mark_of(file) != mark
        assert mark_of(file)[:3] == mark[:3]


def test_texts_do_not_run_into_each_other():
    assert digest_of(["ab", "c"]) != digest_of(["a", "bc"])
    assert digest_of(["ab", "c"]) == digest_of(iter(["ab", "c"]))


def test_the_code_is_the_same_until_it_changes():
    assert code_digest() == code_digest()
