"""A web app that uses `/client/dialtone.js` stays signed in, in all of its tabs."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from tests.browser.chromium import Chromium, Page
from tests.browser.conftest import Site
from tests.support.plain_http import PLAIN_HTTP

# Installing Chromium may take minutes.
pytestmark = pytest.mark.timeout(600)

LOSE_RESPONSES: Final = """
    let lost = 0;
    const send = window.fetch;
    const loseResponses = (path, count) => {
        window.fetch = async (url, init) => {
            const response = await send(url, init);
            if (lost === count || !String(url).endsWith(path)) return response;
            lost++;
            throw new TypeError("Failed to fetch");
        };
    };
"""
MAKE_IMAGE: Final = """
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

    @contextmanager
    def tabs(self) -> Iterator[tuple["Tab", "Tab"]]:
        """Open the app in two tabs; the user is signed in, and both tabs have used the session."""
        with ExitStack() as stack:
            first, second = (stack.enter_context(self.tab()) for _ in range(2))
            first.sign_in()
            for tab in (first, second):
                assert tab.run(f"return {STATUS_OF_SESSIONS};") == 200
            yield first, second

    def count(self, event: str, user_id: str) -> int:
        """Return how often the log has a security event of a user."""
        response = httpx.get(f"{self.site.service.url}/health/live", **PLAIN_HTTP)
        request_id = response.headers["X-Request-Id"]
        # The log has all earlier lines as soon as it has the one of this request.
        self.site.service.wait_for(lambda: request_id in self.site.service.log)
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
            const {{Dialtone, DialtoneError}} = await import({url} + "/client/dialtone.js");
            window.dialtone ??= new Dialtone({{url: {url}, prefix: {prefix}}});
            const key = {prefix} + ".session";
            const stored = () => JSON.parse(localStorage.getItem(key));
            const change = fields =>
                localStorage.setItem(key, JSON.stringify({{...stored(), ...fields}}));
            const expire = () => change({{refresh_at: 0, expires_at: 0}});
            const phone = {prefix};
            {LOSE_RESPONSES} {MAKE_IMAGE} {script}
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


STATUS_OF_SESSIONS: Final = '(await dialtone.fetch("/auth/sessions")).status'
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
ERROR_OF_SESSIONS: Final = (
    'await dialtone.request("GET", "/auth/sessions").then(() => "none", ({code}) => code)'
)


@pytest.fixture
def app(chromium: Chromium, site: Site, phone: str) -> App:
    return App(chromium, site, phone)


def test_the_request_for_a_code_survives_a_reload_and_signs_in(app: App) -> None:
    with app.tab() as tab:
        tab.run("await dialtone.requestOtp({phone});")
        tab.page.reload()
        code = app.site.service.code(app.phone)
        user, session, phone = tab.run(
            f"""
            const {{phone: requested}} = dialtone.requested;
            const user = await dialtone.verifyOtp({{otp: "{code}"}});
            return [user, dialtone.session, requested];
            """
        )
    assert user == {"user_id": session["user_id"], "username": None}
    assert phone == app.phone


def test_the_next_sign_in_sends_the_device_token_of_the_phone(app: App) -> None:
    record = """
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
    with app.tab() as tab:
        tab.sign_in()
        tab.run("await dialtone.signOut();")
        [token, *others], of_another_phone = tab.run(record)
    assert len(token) > 20
    assert others == [token, token]
    assert of_another_phone is None


def test_errors_are_objects_with_the_code_and_fields_of_the_response(app: App) -> None:
    script = """
        const fail = (promise) => promise.then(() => "no error", (error) => error);
        const invalid = await fail(dialtone.requestOtp({phone: "12"}));
        await dialtone.requestOtp({phone});
        const wrong = await fail(dialtone.verifyOtp({otp: "000000"}));
        const signedOut = await fail(dialtone.request("GET", "/users/me"));
        return [invalid, wrong, signedOut].map((error) =>
            [error instanceof DialtoneError, {...error, message: error.message}]);
    """
    with app.tab() as tab:
        [[_, invalid], [_, wrong], [_, signed_out]] = found = tab.run(script)
    assert all(is_error for is_error, _ in found)
    assert (invalid["code"], invalid["status"]) == ("invalid", 400)
    assert invalid["field_errors"][0]["field"] == "phone"
    assert invalid["message"] == invalid["field_errors"][0]["message"]
    assert len(invalid["request_id"]) == 32
    assert (wrong["code"], wrong["status"], wrong["attempts_left"]) == ("invalid_otp", 200, 4)
    assert len(wrong["request_id"]) == 32
    assert signed_out["code"] == "signed_out"


@pytest.mark.parametrize("body", ['{"code": "x", "field_errors": 5}', "[]", "null", '{"code": 5}'])
def test_an_error_of_any_form_is_an_object_with_a_code(app: App, body: str) -> None:
    script = f"""
        window.fetch = async () => new Response({json.dumps(body)}, {{status: 500}});
        const error = await dialtone.requestOtp({{phone}}).catch((error) => error);
        return [error.name, error.code, error.status, error.field_errors];
    """
    with app.tab() as tab:
        name, code, *others = tab.run(script)
    assert (name, others) == ("DialtoneError", [500, []])
    assert code in ("x", "unexpected_response")


@pytest.mark.parametrize("value", ["text", "5", '"text"', "[]", '{"user_id": "me"}', "true"])
def test_strange_values_in_the_storage_sign_nobody_in(app: App, value: str) -> None:
    script = f"""
        for (const name of ["session", "request", "devices"])
            localStorage.setItem(phone + "." + name, {json.dumps(value)});
        window.dialtone = new Dialtone({{url: {json.dumps(app.site.service.url)}, prefix: phone}});
        const {{session, requested}} = dialtone;
        const error = await dialtone.verifyOtp({{otp: "123456"}}).catch(({{code}}) => code);
        await dialtone.signOut();
        return [session, requested, error, {ERROR_OF_SESSIONS}];
    """
    with app.tab() as tab:
        assert tab.run(script) == [None, None, "no_request", "signed_out"]
        assert tab.sign_in()


def test_where_the_storage_is_full_the_session_is_that_of_the_page(app: App) -> None:
    script = """
        Storage.prototype.setItem = () => { throw new DOMException("", "QuotaExceededError"); };
        await dialtone.requestOtp({phone});
    """
    refresh = f"""
        const {{now}} = Date;
        Date.now = () => now() + 20 * 60 * 1000; // the access token expires
        const result = [{STATUS_OF_SESSIONS}, {STATUS_OF_SESSIONS}, stored()];
        await dialtone.signOut();
        return [...result, dialtone.session];
    """
    with app.tab() as tab:
        tab.run(script)
        code = app.site.service.code(app.phone)
        tab.run(f"await dialtone.verifyOtp({{otp: '{code}'}});")
        assert tab.run(refresh) == [200, 200, None, None]


def test_two_tabs_that_refresh_at_once_send_one_request(app: App) -> None:
    with app.tabs() as (first, second):
        user_id = first.run("expire(); return dialtone.session.user_id;")
        for tab in (first, second):
            tab.start(f"return {STATUS_OF_SESSIONS};")
        assert [tab.run("return window.done;") for tab in (first, second)] == [200, 200]
        assert app.count("session_refreshed", user_id) == 1


def test_a_tab_that_slept_over_two_refreshes_goes_on(app: App) -> None:
    """An app that keeps its tokens in each tab ends the session here: its token is too old."""
    with app.tabs() as (first, second):
        set_state(second, "frozen")
        for _ in range(2):
            assert first.run(f"expire(); return {STATUS_OF_SESSIONS};") == 200
        set_state(second, "active")
        assert second.run(f"expire(); return {STATUS_OF_SESSIONS};") == 200
        user_id = first.run("return dialtone.session.user_id;")
        assert app.count("refresh_token_reused", user_id) == 0


def test_a_stopped_tab_drops_its_refresh_after_another_one_went_on(app: App) -> None:
    hold = f"""
        window.fetch = async (url, init) => {{
            const response = await send(url, init);
            await new Promise((resolve) => {{ window.goOn = resolve; }});
            return response;
        }};
        return {STATUS_OF_SESSIONS};
    """
    with app.tabs() as (first, second):
        first.run("expire();")
        first.start(hold)
        first.run(WAIT_UNTIL_STOPPED)
        assert second.run(TAKE_THE_LOCK) == 200
        assert second.run(f"expire(); return {STATUS_OF_SESSIONS};") == 200
        latest = second.run("return stored().refresh_token;")
        first.run("window.fetch = send; const goOn = window.goOn; goOn();")
        script = "const next = setInterval(() => window.goOn(), 10); return window.done;"
        assert first.run(script) == 200
        assert first.run("return stored().refresh_token;") == latest


def test_a_tab_stopped_after_a_lost_response_repeats_no_older_token(app: App) -> None:
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
    with app.tabs() as (first, second):
        first.run("expire();")
        first.start(lose_one)
        first.run(WAIT_UNTIL_STOPPED)
        assert second.run(TAKE_THE_LOCK) == 200
        assert second.run(f"expire(); return {STATUS_OF_SESSIONS};") == 200
        assert first.run("window.goOn(); return window.done;") == 200
        user_id = first.run("return dialtone.session.user_id;")
        assert app.count("refresh_token_reused", user_id) == 0


@pytest.mark.parametrize(("count", "expected"), [(1, 200), (2, "network_error")])
def test_a_lost_response_of_a_refresh_signs_nobody_out(
    app: App, count: int, expected: int | str
) -> None:
    refresh = f"""
        expire();
        loseResponses("/auth/refresh", {count});
        const result = await dialtone.fetch("/auth/sessions").catch((error) => error);
        window.fetch = send;
        return [result.code ?? result.status, lost, {STATUS_OF_SESSIONS}];
    """
    with app.tabs() as (first, second):
        assert first.run(refresh) == [expected, count, 200]
        assert second.run(f"return {STATUS_OF_SESSIONS};") == 200


@pytest.mark.parametrize(
    "response",
    [
        'new Response(\'{"error": "Later", "code": "unavailable"}\', {status: 503})',
        "new Response('<h1>Bad Gateway</h1>', {status: 502})",
        "new Response('<h1>Sign in to the hotel</h1>', {status: 200})",
        "new Response('{}', {status: 200})",
        "new Response('<h1>Who are you?</h1>', {status: 401})",
    ],
    ids=["unavailable", "bad gateway", "hotel", "JSON", "proxy"],
)
def test_only_the_service_ends_a_session(app: App, response: str) -> None:
    refresh = f"""
        expire();
        window.fetch = async () => {response};
        const error = await dialtone.fetch("/auth/sessions").catch((error) => error);
        window.fetch = send;
        return [error.code, {STATUS_OF_SESSIONS}];
    """
    with app.tab() as tab:
        tab.sign_in()
        code, status = tab.run(refresh)
    assert code in ("unavailable", "unexpected_response")
    assert status == 200


def test_without_a_connection_a_token_that_is_still_valid_is_used(app: App) -> None:
    script = f"""
        change({{refresh_at: 0}});
        loseResponses("/auth/refresh", 2);
        return [{STATUS_OF_SESSIONS}, lost];
    """
    with app.tab() as tab:
        tab.sign_in()
        assert tab.run(script) == [200, 2]


def test_after_a_401_the_session_is_refreshed_and_the_request_repeated(app: App) -> None:
    with app.tab() as tab:
        tab.sign_in()
        # As with a clock that was set back: the token seems to be valid for long.
        assert tab.run(f"change({{access_token: 'old'}}); return {STATUS_OF_SESSIONS};") == 200


def test_an_upload_with_a_rejected_token_is_sent_again_with_the_next_one(app: App) -> None:
    script = """
        const image = await makeImage(2000);
        change({access_token: "old"});
        const {width} = await dialtone.upload(image);
        return [width, image.size];
    """
    with app.tab() as tab:
        tab.sign_in()
        tab.create_user()
        width, size = tab.run(script)
    assert width == 2000
    assert size > 10_000_000


@pytest.mark.parametrize(
    "locks",
    ["undefined", '{request: async () => { throw new DOMException("", "SecurityError"); }}'],
    ids=["http", "blocked storage"],
)
def test_a_page_without_web_locks_refreshes_once(app: App, locks: str) -> None:
    """Pages with http have none, nor those whose storage the user blocks."""
    script = f"""
        Object.defineProperty(navigator, "locks", {{value: {locks}}});
        expire();
        const requests = [1, 2, 3].map(() => dialtone.fetch("/auth/sessions"));
        return (await Promise.all(requests)).map(({{status}}) => status);
    """
    with app.tab() as tab:
        user_id = tab.sign_in()["user_id"]
        assert tab.run(script) == [200, 200, 200]
        assert app.count("session_refreshed", user_id) == 1


def test_a_request_is_not_repeated_for_another_user(app: App) -> None:
    script = f"""
        window.fetch = async () => {{
            change({{user_id: "0".repeat(24), access_token: "theirs"}});
            return new Response("", {{status: 401}});
        }};
        return {ERROR_OF_SESSIONS};
    """
    with app.tab() as tab:
        tab.sign_in()
        assert tab.run(script) == "signed_out"


def test_a_sign_out_in_one_tab_signs_out_the_others(app: App) -> None:
    with app.tabs() as (first, second):
        second.run(
            """
            window.done = new Promise((resolve) => dialtone.addEventListener("sessionchange",
                () => resolve(dialtone.session)));
            """
        )
        first.run("await dialtone.signOut();")
        assert second.run("return window.done;") is None
        assert second.run(f"return {ERROR_OF_SESSIONS};") == "signed_out"


def test_signing_out_without_a_connection_forgets_the_session_and_throws(app: App) -> None:
    script = """
        window.fetch = async () => { throw new TypeError("Failed to fetch"); };
        const error = await dialtone.signOut().catch((error) => error);
        return [error.code, dialtone.session];
    """
    with app.tab() as tab:
        tab.sign_in()
        assert tab.run(script) == ["network_error", None]


def test_a_session_that_the_service_has_ended_ends_in_all_tabs(app: App) -> None:
    with app.tabs() as (first, second):
        token = first.run("return stored().access_token;")
        httpx.post(
            f"{app.site.service.url}/auth/logout",
            headers={"Authorization": f"Bearer {token}"},
            **PLAIN_HTTP,
        ).raise_for_status()
        assert first.run(f"return {ERROR_OF_SESSIONS};") == "signed_out"
        wait = "while (dialtone.session) await new Promise((resolve) => setTimeout(resolve, 10));"
        second.run(wait)


def test_signing_out_elsewhere_keeps_this_session(app: App) -> None:
    with app.tab() as tab:
        tab.sign_in()
        move_session = f"""
            const other = new Dialtone(
                {{url: {json.dumps(app.site.service.url)}, prefix: phone + ".other"}});
            localStorage.setItem(phone + ".other.session", localStorage.getItem(key));
            localStorage.removeItem(key);
            window.other = other;
        """
        tab.run(move_session)
        tab.sign_in()
        script = f"""
            await dialtone.signOut({{scope: "others"}});
            const error = await other.request("GET", "/auth/sessions").catch(({{code}}) => code);
            return [error, {STATUS_OF_SESSIONS}];
        """
        assert tab.run(script) == ["signed_out", 200]


def test_the_session_has_the_new_name_of_the_user(app: App) -> None:
    script = """
        await dialtone.request("GET", "/users/me");
        return dialtone.session.username;
    """
    with app.tab() as tab:
        tab.sign_in()
        tab.create_user()
        assert tab.run(script) == f"user {app.phone}"


def test_an_upload_shows_its_progress_and_is_repeated_as_one_item(app: App) -> None:
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
    with app.tab() as tab:
        tab.sign_in()
        tab.create_user()
        item, progress, errors, ids = tab.run(script)
    assert (item["category"], item["width"]) == ("art", 800)
    assert ids == [item["id"]]
    assert errors == ["network_error"]
    assert progress[-1][0] == progress[-1][1] > 800 * 800
    assert [sent for sent, _ in progress].count(progress[-1][1]) == 2  # it was sent twice


@pytest.mark.parametrize(("seconds", "repeats"), [(1, 3), (31, 0)])
def test_an_upload_is_repeated_after_a_503_with_a_short_retry_after(
    app: App, seconds: int, repeats: int
) -> None:
    script = f"""
        let sent = 0;
        XMLHttpRequest.prototype.send = function () {{
            sent++;
            const value = JSON.stringify({{code: "unavailable", retry_after: {seconds}}});
            Object.defineProperties(this, {{status: {{value: 503}}, responseText: {{value}}}});
            this.onload();
        }};
        const {{code}} = await dialtone.upload(new Blob(["x"])).catch((error) => error);
        return [code, sent];
    """
    with app.tab() as tab:
        tab.sign_in()
        assert tab.run(script) == ["unavailable", 1 + repeats]


def test_an_upload_that_the_user_stops_is_not_repeated(app: App) -> None:
    script = """
        const controller = new AbortController();
        const onProgress = () => controller.abort();
        return await dialtone.upload(await makeImage(800), {onProgress, signal: controller.signal})
            .catch(({name}) => name);
    """
    with app.tab() as tab:
        tab.sign_in()
        tab.create_user()
        assert tab.run(script) == "AbortError"


def test_the_token_is_sent_to_no_other_host(app: App) -> None:
    urls = [f"{app.site.foreign}/x", f"{app.site.service.url}.example.org/x", "users/me"]
    script = f"""
        window.fetch = () => {{ throw Error("sent"); }};
        const fail = (url) => dialtone.fetch(url).catch(({{name}}) => name);
        return await Promise.all({json.dumps(urls)}.map(fail));
    """
    with app.tab() as tab:
        tab.sign_in()
        assert tab.run(script) == ["TypeError"] * 3


def test_only_listed_origins_import_the_module_and_cookies_are_not_supported(
    chromium: Chromium, site: Site
) -> None:
    module, health = f"{site.service.url}/client/dialtone.js", f"{site.service.url}/health/live"
    load = f"return await import('{module}').then(() => 'loaded', ({{name}}) => name);"
    read = f"""
        return await fetch("{health}", {{credentials: "include"}}).catch(({{name}}) => name);
    """
    assert chromium.run(site.listed, load) == "loaded"
    assert chromium.run(site.foreign, load) == "TypeError"
    assert chromium.run(site.listed, read) == "TypeError"


def set_state(tab: Tab, state: str) -> None:
    """Freeze a tab, as browsers do to save energy, or let it run again."""
    tab.page.chromium.call("Page.setWebLifecycleState", {"state": state}, tab.page.session)
