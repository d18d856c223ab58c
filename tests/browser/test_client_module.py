"""A web app that uses `/client/dialtone.js` stays signed in, in all of its tabs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.browser.chromium import Chromium, Page
from tests.browser.conftest import Site

# Installing Chromium may take minutes.
pytestmark = pytest.mark.timeout(600)

FUNCTIONS: Final = """
    window.send ??= window.fetch;
    window.startTimer ??= window.setTimeout;
    const {send, startTimer} = window;
    // The module waits a second before it repeats a request. Time limits are longer.
    window.setTimeout = (task, time) => startTimer(task, time < 1000 || time > 9000 ? time : 0);
    const catchError = (promise) => promise.then(() => "no error", (error) => error);
    const makeImage = async (size) => {
        const canvas = Object.assign(document.createElement("canvas"), {width: size, height: size});
        const context = canvas.getContext("2d");
        const pixels = context.createImageData(size, size);
        pixels.data.forEach((_, index) => {
            pixels.data[index] = index % 4 === 3 ? 255 : Math.random() * 256;
        });
        context.putImageData(pixels, 0, 0);
        const blob = await new Promise(resolve => canvas.toBlob(resolve, "image/png"));
        return new File([blob], "IMG_0001.PNG");
    };
"""
STATUS_OF_SESSIONS: Final = '(await dialtone.fetch("/auth/sessions")).status'
ERROR_OF_SESSIONS: Final = (
    'await dialtone.request("GET", "/auth/sessions").then(() => "none", ({code}) => code)'
)
TAKE_THE_LOCK: Final = f"""
    const timeout = AbortSignal.timeout;
    AbortSignal.timeout = (time) => timeout.call(AbortSignal, time > 30000 ? 100 : time);
    return {STATUS_OF_SESSIONS};
"""
WAIT_UNTIL_STOPPED: Final = """
    const channel = new MessageChannel();
    while (!window.goOn) {
        await new Promise((resolve) => {
            channel.port1.onmessage = resolve;
            channel.port2.postMessage(null);
        });
    }
"""


@dataclass(frozen=True, slots=True)
class App:
    """A web app on the listed origin. The session of each test has keys of its own."""

    chromium: Chromium
    site: Site
    phone: str

    @contextmanager
    def tab(self) -> Iterator["Tab"]:
        """Open the app in a new tab until the end of the block."""
        with self.chromium.page(self.site.listed) as page:
            yield Tab(page, self)

    def count(self, event: str, user_id: str) -> int:
        """Return how often the log has a security event of a user."""
        self.site.wait_for_log()
        lines = [json.loads(line) for line in self.site.service.log.splitlines()]
        return sum(line["event"] == event and line.get("user_id") == user_id for line in lines)


@dataclass(frozen=True, slots=True)
class Tab:
    """An open tab of the app, with the variable `dialtone`."""

    page: Page
    app: App

    def run(self, script: str) -> Any:
        """Run a script. `expire()` makes the stored access token one that expires now."""
        url, prefix = json.dumps(self.app.site.service.url), json.dumps(self.app.phone)
        return self.page.run(
            f"""
            const url = {url}, phone = {prefix};
            const {{Dialtone, DialtoneError}} = await import(url + "/client/dialtone.js");
            window.dialtone ??= new Dialtone({{url, prefix: phone}});
            const key = phone + ".session";
            const stored = () => JSON.parse(localStorage.getItem(key));
            const change = fields =>
                localStorage.setItem(key, JSON.stringify({{...stored(), ...fields}}));
            const expire = () => change({{refresh_at: 0, expires_at: 0}});
            {FUNCTIONS} {script}
            """
        )

    def start(self, script: str) -> None:
        """Start a script that sets `window.done` when it ends; do not wait for it."""
        self.run(f"window.done = (async () => {{ {script} }})();")

    def sign_in(self) -> Any:
        """Sign in with the code of the message; return the user."""
        number = len(self.app.site.service.messages(self.app.phone)) + 1
        self.run("await dialtone.requestOtp({phone});")
        code = self.app.site.service.code(self.app.phone, number)
        return self.run(f"return dialtone.verifyOtp({{otp: '{code}', device: 'Browser'}});")

    def create_user(self) -> None:
        """Choose a username."""
        self.run(
            """
            const username = `user ${phone}`;
            await dialtone.request("POST", "/users", {username, number: phone});
            """
        )


@pytest.fixture
def app(chromium: Chromium, site: Site, phone: str) -> App:
    return App(chromium, site, phone)


@pytest.fixture
def new_tab(app: App) -> Iterator[Tab]:
    """A tab of somebody who has not signed in."""
    with app.tab() as tab:
        yield tab


@pytest.fixture
def tab(new_tab: Tab) -> Tab:
    """A tab where the user is signed in."""
    new_tab.sign_in()
    return new_tab


@pytest.fixture
def tabs(tab: Tab) -> Iterator[tuple[Tab, Tab]]:
    """Two tabs that have used one session."""
    with tab.app.tab() as other:
        for each in (tab, other):
            assert each.run(f"return {STATUS_OF_SESSIONS};") == 200
        yield tab, other


def test_the_next_sign_in_sends_the_device_token_of_the_phone(tab: Tab) -> None:
    [token, *others], of_another_phone = tab.run(
        """
        await dialtone.signOut();
        window.fetch = async (url, init) => {
            window.body = JSON.parse(init.body);
            return send(url, init);
        };
        const spellings = [phone.replace("+1", "+1 "), phone.replace("+", "00"), phone.slice(2)];
        const tokens = [];
        for (const spelling of spellings) {
            await dialtone.requestOtp({phone: spelling}).catch(() => {});
            tokens.push(window.body.device_token);
        }
        await dialtone.requestOtp({phone: phone.slice(0, -1) + "x"}).catch(() => {});
        return [tokens, window.body.device_token ?? null];
        """
    )
    assert len(token) > 20
    assert others == [token, token]
    assert of_another_phone is None


def test_two_tabs_that_refresh_at_once_send_one_request(app: App, tabs: tuple[Tab, Tab]) -> None:
    user_id = tabs[0].run("expire(); return dialtone.session.user_id;")
    for tab in tabs:
        tab.start(f"return {STATUS_OF_SESSIONS};")
    assert [tab.run("return window.done;") for tab in tabs] == [200, 200]
    assert app.count("session_refreshed", user_id) == 1


def test_a_tab_that_slept_over_two_refreshes_goes_on(app: App, tabs: tuple[Tab, Tab]) -> None:
    """An app that keeps its tokens in each tab ends the session here: its token is too old."""
    first, second = tabs
    second.page.call("Page.setWebLifecycleState", state="frozen")
    for _ in range(2):
        assert first.run(f"expire(); return {STATUS_OF_SESSIONS};") == 200
    second.page.call("Page.setWebLifecycleState", state="active")
    assert second.run(f"expire(); return {STATUS_OF_SESSIONS};") == 200
    user_id = first.run("return dialtone.session.user_id;")
    assert app.count("refresh_token_reused", user_id) == 0


def test_a_tab_stopped_after_a_lost_response_repeats_no_older_token(
    app: App, tabs: tuple[Tab, Tab]
) -> None:
    lose_one = f"""
        window.fetch = async (url, init) => {{
            window.fetch = send;
            await send(url, init);
            const start = window.setTimeout;
            window.setTimeout = (task) => {{
                window.setTimeout = start;
                window.goOn = task;
            }};
            throw new TypeError("Failed to fetch");
        }};
        return {STATUS_OF_SESSIONS};
    """
    first, second = tabs
    first.run("expire();")
    first.start(lose_one)
    first.run(WAIT_UNTIL_STOPPED)
    assert second.run(TAKE_THE_LOCK) == 200
    assert second.run(f"expire(); return {STATUS_OF_SESSIONS};") == 200
    assert first.run("window.goOn(); return window.done;") == 200
    user_id = first.run("return dialtone.session.user_id;")
    assert app.count("refresh_token_reused", user_id) == 0


def test_a_session_that_the_service_has_ended_ends_in_all_tabs(tabs: tuple[Tab, Tab]) -> None:
    first, second = tabs
    second.start(
        """
        await new Promise((resolve) => dialtone.addEventListener("sessionchange", resolve));
        return dialtone.session;
        """
    )
    logout = """
        const headers = {Authorization: `Bearer ${stored().access_token}`};
        await send(url + "/auth/logout", {method: "POST", headers});
    """
    assert first.run(f"{logout} return {ERROR_OF_SESSIONS};") == "signed_out"
    assert second.run("return window.done;") is None


def test_an_upload_shows_its_progress_and_is_repeated_as_one_item(tab: Tab) -> None:
    script = """
        const sendForm = XMLHttpRequest.prototype.send;
        XMLHttpRequest.prototype.send = function (form) {
            XMLHttpRequest.prototype.send = sendForm;
            this.onload = this.onerror;
            sendForm.call(this, form);
        };
        const progress = [];
        const errors = [];
        const item = await dialtone.upload(await makeImage(800), {
            category: "art",
            onProgress: (sent, total) => progress.push([sent, total]),
            onRepeat: ({code}) => errors.push(code),
        });
        const {items} = await dialtone.request("GET", `/library?user_id=${item.user_id}`);
        return [item, progress, errors, items.map(({id}) => id)];
    """
    tab.create_user()
    item, progress, errors, ids = tab.run(script)
    assert (item["category"], item["width"]) == ("art", 800)
    assert ids == [item["id"]]
    assert errors == ["network_error"]
    assert progress[-1][0] == progress[-1][1] > 800 * 800
    sent = [sent for sent, _ in progress]
    assert sent.count(progress[-1][1]) == 2  # it was sent twice
    assert 0 in sent[sent.index(progress[-1][1]) :]


def test_an_upload_in_which_nothing_is_sent_ends_after_a_time(tab: Tab) -> None:
    script = """
        let sent = 0;
        const limits = [];
        window.setTimeout = (task, time) => {
            if (time >= 90_000) limits.push(time);
            return startTimer(task, time >= 90_000 ? 100 : 0);
        };
        XMLHttpRequest.prototype.send = function () {
            sent++;
            this.upload.onprogress({loaded: 1, total: 2});
        };
        XMLHttpRequest.prototype.abort = function () { this.onabort(); };
        const {code} = await catchError(dialtone.upload(new Blob(["x"])));
        return [code, sent, limits.length];
    """
    assert tab.run(script) == ["network_error", 4, 8]
