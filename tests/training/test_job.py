def test_x(trained):
    assert trained.result.refused == {}
    assert trained.result.bundle is not None
