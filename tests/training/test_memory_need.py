"""What a training says of the memory it needs and of what there is."""

import pytest

from training.memory_need import MemoryOutlook, available_mb, memory_outlook, needed_mb


def system(root, **files):
    """A file system with these files; `__` in a name is a slash."""
    for name, text in files.items():
        file = root / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


FREE = "MemTotal: 9000000 kB\nMemAvailable:    4000000 kB\n"


def test_without_a_container_it_is_what_the_machine_has_left(tmp_path):
    assert available_mb(system(tmp_path, proc__meminfo=FREE)) == 4_096


def test_a_container_is_held_to_its_limit(tmp_path):
    root = system(tmp_path, proc__meminfo=FREE)
    folder = root / "sys/fs/cgroup"
    folder.mkdir(parents=True)
    (folder / "memory.max").write_text("2000000000\n")
    (folder / "memory.current").write_text("500000000\n")
    (folder / "memory.stat").write_text("anon 500000000\ninactive_file 0\n")
    assert available_mb(root) == 1_500
    (folder / "memory.max").write_text("max\n")
    assert available_mb(root) == 4_096


@pytest.mark.parametrize(
    ("limit", "usage", "statistics"),
    [
        ("memory.max", "memory.current", "anon 500000000\ninactive_file 400000000\n"),
        (
            "memory/memory.limit_in_bytes",
            "memory/memory.usage_in_bytes",
            "inactive_file 1\ntotal_inactive_file 400000000\n",
        ),
    ],
)
def test_files_that_a_container_has_cached_take_nothing_from_a_training(
    limit, usage, statistics, tmp_path
):
    folder = system(tmp_path, proc__meminfo=FREE) / "sys/fs/cgroup"
    (folder / "memory").mkdir(parents=True)
    (folder / limit).write_text("2000000000\n")
    (folder / usage).write_text("900000000\n")
    (folder / limit).with_name("memory.stat").write_text(statistics)
    assert available_mb(tmp_path) == 1_500


def test_nobody_knows_where_the_system_does_not_tell(tmp_path):
    assert available_mb(tmp_path) is None
    assert MemoryOutlook(1_000, None).is_enough
    assert "the system does not tell" in MemoryOutlook(1_000, None).sentence()


@pytest.mark.parametrize(("rows", "measured"), [(1_469_307, 2_316), (541_909, 1_094), (3_000, 563)])
def test_the_need_is_near_what_was_measured(rows, measured):
    assert 0.95 * measured < needed_mb(rows) < 1.15 * measured


def test_what_is_not_enough_is_one_line_with_what_to_do():
    scarce = MemoryOutlook(2_300, 1_000)
    assert not scarce.is_enough
    assert "2,300 MB" in scarce.sentence()
    assert "1,000 MB" in scarce.sentence()
    assert "train.threads" in scarce.sentence()
    assert "\n" not in scarce.sentence()


def test_a_small_shop_needs_little(trained):
    outlook = memory_outlook(trained.log)
    assert 550 <= outlook.needed_mb < 600
    assert outlook.available_mb is None or outlook.available_mb > 0
