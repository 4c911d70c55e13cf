"""That the databases and the browser of the tests are what the other tests take them for."""

from playwright.sync_api import Browser
from sqlalchemy import create_engine, make_url, text

from tests.support.browser import Contexts
from tests.support.postgres import PostgresServer


def test_each_database_answers_and_is_empty(database_url: str) -> None:
    engine = create_engine(database_url)
    catalogue = "sqlite_master" if engine.dialect.name == "sqlite" else "pg_stat_user_tables"
    with engine.connect() as connection:
        assert connection.scalar(text(f"SELECT count(*) FROM {catalogue}")) == 0
    engine.dispose()


def test_postgres_knows_letters_beyond_ascii(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT lower('ÄÖÉ')")) == "äöé"
    engine.dispose()


def test_a_database_can_be_a_copy_of_a_filled_one(postgres_server: PostgresServer, postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE note AS SELECT 'kept' AS word"))
    engine.dispose()
    copy = postgres_server.create_database(template=str(make_url(postgres_url).database))
    engine = create_engine(copy)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT word FROM note")) == "kept"
        # Still connected: dropping it must not wait.
        postgres_server.drop_database(copy)
        connection.invalidate()
    engine.dispose()


def test_each_context_is_a_person_of_their_own(page_context: Contexts) -> None:
    ada = page_context(zone="Asia/Kathmandu", width=360, dark=True).new_page()
    ada.set_content("<title>Ada</title><h1>Hello</h1>")
    assert ada.get_by_role("heading").inner_text() == "Hello"
    assert ada.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone") in {"Asia/Kathmandu", "Asia/Katmandu"}
    assert ada.evaluate("[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]") == [360, True]
    grace = page_context(script=False).new_page()
    grace.set_content("<noscript>No script</noscript>")
    assert grace.get_by_text("No script").is_visible()


def test_what_the_browser_complains_of_is_told(browser: Browser) -> None:
    contexts = Contexts(browser)
    context = contexts()
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
    for content, complaint in (
        ("<p>Fine</p>", None),
        ("<script>nothing.there</script>", "nothing is not defined"),
        ("<script>console.error('Alas')</script>", "Alas"),
        (f"{policy}<p style='color: red'>", "Content Security Policy"),
        ("<img src='http://elsewhere.example/x.png'>", "ERR_NAME_NOT_RESOLVED"),
    ):
        before, new = len(contexts.complaints()), list[str]()
        page = context.new_page()
        page.set_content(content)
        for _ in range(200 if complaint else 1):
            page.wait_for_timeout(100)
            new = contexts.complaints()[before:]
            if new:
                break
        assert bool(new) is bool(complaint), content
        assert complaint is None or any(complaint in each for each in new), new
    contexts.expect_complaint("Alas")
    assert not any("Alas" in each for each in contexts.complaints())
    contexts.close()
