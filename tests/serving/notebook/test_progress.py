"""How far long work is: in a notebook, on a terminal, or told to the caller."""

from serving.notebook.progress import NotebookBar, shown


class Cell:
    """What IPython's `display` is given, and what it is updated to."""

    def __init__(self):
        self.texts = []

    def display(self, content, *, raw, display_id):
        assert raw
        assert display_id
        self.texts.append(content["text/plain"])
        return self

    def update(self, content, *, raw):
        assert raw
        self.texts.append(content["text/plain"])


def test_a_bar_is_one_output_that_is_updated():
    cell = Cell()
    bar = NotebookBar(cell.display)
    bar.show("<judged>")
    bar.end("done")
    assert cell.texts == ["<judged>", "done"]


def test_the_callers_own_progress_is_told_every_step_as_it_is():
    steps = []
    with shown(steps.append, "training") as told:
        told("read")
    assert steps == ["read"]


def test_a_pipe_is_told_nothing(capsys):
    with shown(None, "training") as told:
        told("read")
    assert capsys.readouterr() == ("", "")
