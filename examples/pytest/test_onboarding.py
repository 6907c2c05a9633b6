"""What an integration has to survive, shown on a client of a few lines."""

ANN = {"emailAddress": "ann@example.com", "name": "Ann Lee"}
CREATE = "/api/user/create-user"


def test_a_user_is_created_and_each_test_begins_anew(client):
    answer = client.post(CREATE, ANN).json()
    assert [row["emailAddress"] for row in answer["data"]] == ["ann@example.com"]
    again = client.post(CREATE, ANN).json()
    assert again["fail"][0]["errors"][0]["code"] == "err_user_already_exists"


def test_an_answer_that_is_lost_after_the_commit_makes_no_second_user(client, lab):
    lab("POST", "faults", {"kind": "drop_answer", "path": CREATE, "times": 1})
    answer = client.post(CREATE, ANN).json()
    assert len(answer["data"]) == 1 and not answer["fail"]
    first, second = lab("GET", "journal")
    assert first["dropped"] and dict(first["headers"])["x-mc-req-id"] == dict(second["headers"])["x-mc-req-id"]


def test_a_server_that_is_busy_is_asked_again(client, lab):
    lab("POST", "faults", {"kind": "refuse", "status": 503, "times": 2})
    assert client.post(CREATE, ANN).status_code == 200
    assert [entry["status"] for entry in lab("GET", "journal")] == [503, 503, 200]


def test_a_clock_that_is_an_hour_off_is_told_so(client, lab):
    lab("POST", "clock", {"advance_seconds": 3600})
    answer = client.post(CREATE, ANN)
    assert (answer.status_code, answer.json()["fail"][0]["errors"][0]["code"]) == (401, "err_xdk_request_expired")


def test_a_state_is_kept_under_a_name(client, lab):
    client.post(CREATE, ANN)
    lab("POST", "states/with-ann")
    client.post(CREATE, {"emailAddress": "bob@example.com"})
    lab("POST", "states/with-ann/restore")
    answer = client.post(CREATE, ANN, {"emailAddress": "bob@example.com"}).json()
    assert [row["emailAddress"] for row in answer["data"]] == ["bob@example.com"]
