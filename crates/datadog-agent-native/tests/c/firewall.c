/* Requests and their verdicts. FIREWALL says what the library can: `absent` when it was built without, `failed` when there
 * is no libddwaf, `works` when there is, with the recommended rules beside it. */

#include "check.h"

#define NAMED(text) text, strlen(text)

static const char BLOCKED[] =
    "{\"http.route\": \"/cart\", \"server.request.method\": \"GET\", \"server.request.uri.raw\": \"/cart?q=hello\","
    " \"server.request.headers.no_cookies\": {\"User-Agent\": \"dd-test-scanner-log-block\", \"Accept\": \"%s\"},"
    " \"network.client.ip\": \"8.8.8.8\"}";

static DatadogAgent *agent_with(int blocking) {
  DatadogAgentOptionsV2 options = options_v2();
  options.appsec_enabled = 1;
  options.appsec_blocking = blocking;
  return started_v2(&options).agent;
}

static DatadogAppSecRequest *opened(DatadogAgent *agent, unsigned flags) {
  DatadogAppSecRequest *request = NULL;
  CHECK_INT(datadog_agent_appsec_open(agent, flags, &request), DATADOG_OK);
  CHECK(request != NULL);
  return request;
}

static void check_allowed(const DatadogAppSecVerdict *verdict) {
  CHECK_INT(verdict->action, DATADOG_APPSEC_ALLOW);
  CHECK_INT(verdict->status, 0);
  CHECK_INT(verdict->grpc_status, -1);
  CHECK(verdict->content_type == NULL && verdict->body == NULL && verdict->location == NULL);
  CHECK(verdict->security_response_id == NULL);
}

/* Nothing can be opened, and everything says why. */
static void none_is_opened(const char *why) {
  DatadogAgent *agent = agent_with(1);
  DatadogAppSecRequest *request = (DatadogAppSecRequest *)(void *)&agent;
  DatadogAppSecVerdict verdict;
  char *tags = (char *)&agent;
  CHECK_INT(datadog_agent_appsec_open(agent, DATADOG_APPSEC_OBEYED, &request), DATADOG_NOT_AVAILABLE);
  CHECK(last_error_has(why));
  CHECK(request == NULL);
  CHECK_INT(datadog_agent_appsec_add(request, NAMED("{}")), DATADOG_NULL_POINTER);
  CHECK_INT(datadog_agent_appsec_verdict(request, &verdict), DATADOG_NULL_POINTER);
  check_allowed(&verdict);
  CHECK_INT(datadog_agent_appsec_tags(request, NULL, 0, &tags), DATADOG_NULL_POINTER);
  CHECK(tags == NULL);
  CHECK_INT(datadog_agent_appsec_free(request), DATADOG_OK);
  CHECK_INT(datadog_agent_stop(agent), DATADOG_OK);
}

static void an_attack_is_answered_with_a_page(DatadogAgent *agent, const char *accept, const char *type) {
  DatadogAppSecRequest *request = opened(agent, DATADOG_APPSEC_OBEYED);
  DatadogAppSecVerdict verdict;
  char json[1024], *tags;
  snprintf(json, sizeof json, BLOCKED, accept);
  CHECK_INT(datadog_agent_appsec_add(request, NAMED(json)), DATADOG_OK);
  CHECK_INT(datadog_agent_appsec_verdict(request, &verdict), DATADOG_OK);
  CHECK_INT(verdict.action, DATADOG_APPSEC_BLOCK);
  CHECK_INT(verdict.status, 403);
  CHECK_INT(verdict.grpc_status, 10);
  CHECK(strcmp(verdict.content_type, type) == 0);
  CHECK_INT(verdict.body_len, strlen(verdict.body));
  CHECK_INT(strlen(verdict.security_response_id), 36);
  CHECK(strstr(verdict.body, verdict.security_response_id) != NULL);
  CHECK(verdict.location == NULL);
  datadog_agent_appsec_verdict_free(&verdict);
  check_allowed(&verdict);
  /* The page goes on. */
  CHECK_INT(datadog_agent_appsec_add_value(request, "server.response.status", NAMED("403")), DATADOG_OK);
  CHECK_INT(datadog_agent_appsec_verdict(request, &verdict), DATADOG_OK);
  check_allowed(&verdict);
  CHECK_INT(datadog_agent_appsec_tags(request, NULL, 0, &tags), DATADOG_OK);
  CHECK(strstr(tags, "\"appsec.blocked\":\"true\"") != NULL);
  CHECK(strstr(tags, "\"http.status_code\":\"403\"") != NULL);
  CHECK(strstr(tags, "\"http.client_ip\":\"8.8.8.8\"") != NULL);
  CHECK(strstr(tags, "\"http.route\":\"/cart\"") != NULL);
  CHECK(strstr(tags, "ua0-600-56x") != NULL);
  CHECK(strstr(tags, "\"priority\":2") != NULL);
  datadog_free_string(tags);
  CHECK_INT(datadog_agent_appsec_free(request), DATADOG_OK);
  CHECK_INT(datadog_agent_appsec_free(request), DATADOG_NULL_POINTER);
}

static void an_attack_in_a_body_or_an_answer_is_told(DatadogAgent *agent) {
  static const char span[] = "{\"meta\": {\"http.method\": \"PUT\"}, \"priority\": 1}";
  DatadogAppSecRequest *request = opened(agent, 0);
  DatadogAppSecVerdict verdict;
  char *tags;
  const char *form = "a=1&b=%3Cscript%3Ealert(document.cookie)%3C%2Fscript%3E";
  CHECK_INT(datadog_agent_appsec_add_value(request, "server.request.method", NAMED("\"POST\"")), DATADOG_OK);
  CHECK_INT(datadog_agent_appsec_add_value(request, "server.request.uri.raw", NAMED("\"/.git/config\"")), DATADOG_OK);
  CHECK_INT(datadog_agent_appsec_add_body(request, "server.request.body", (const uint8_t *)form, strlen(form),
                                          "application/x-www-form-urlencoded"),
            DATADOG_OK);
  CHECK_INT(datadog_agent_appsec_verdict(request, &verdict), DATADOG_OK);
  check_allowed(&verdict);
  /* A number is compared as a text. */
  CHECK_INT(datadog_agent_appsec_add_value(request, "server.response.status", NAMED("404")), DATADOG_OK);
  CHECK_INT(datadog_agent_appsec_verdict(request, &verdict), DATADOG_OK);
  check_allowed(&verdict);
  CHECK_INT(datadog_agent_appsec_tags(request, NAMED(span), &tags), DATADOG_OK);
  CHECK(strstr(tags, "crs-941-") != NULL);
  CHECK(strstr(tags, "nfd-000-006") != NULL);
  CHECK(strstr(tags, "\"http.method\"") == NULL);
  datadog_free_string(tags);
  CHECK_INT(datadog_agent_appsec_tags(request, NULL, 0, &tags), DATADOG_NOT_AVAILABLE);
  CHECK(tags == NULL);
  CHECK_INT(datadog_agent_appsec_free(request), DATADOG_OK);
}

static void what_cannot_be_read_is_refused(DatadogAgent *agent) {
  DatadogAppSecRequest *request = opened(agent, 0);
  CHECK_INT(datadog_agent_appsec_add(request, NAMED("{\"usr.id\": }")), DATADOG_INVALID_DATA_FORMAT);
  CHECK(last_error_has("line 1, column 12"));
  CHECK_INT(datadog_agent_appsec_add(request, NAMED("{\"server.requset.body\": 1}")), DATADOG_INVALID_DATA_FORMAT);
  CHECK(last_error_has("server.requset.body"));
  CHECK_INT(datadog_agent_appsec_add(request, NULL, 1), DATADOG_NULL_POINTER);
  CHECK_INT(datadog_agent_appsec_add(request, "{}", (size_t)1 << 40), DATADOG_INVALID_DATA_FORMAT);
  CHECK_INT(datadog_agent_flush((DatadogAgent *)(void *)request, 1), DATADOG_NULL_POINTER);
  CHECK_INT(datadog_agent_appsec_free(request), DATADOG_OK);
}

static void *on_another_thread(void *request) {
  DatadogAppSecVerdict verdict;
  CHECK_INT(datadog_agent_appsec_verdict((DatadogAppSecRequest *)request, &verdict), DATADOG_OK);
  CHECK_INT(verdict.action, DATADOG_APPSEC_BLOCK);
  datadog_agent_appsec_verdict_free(&verdict);
  return NULL;
}

static void a_request_outlives_its_agent_and_its_thread(void) {
  DatadogAgent *agent = agent_with(1);
  DatadogAppSecRequest *request = opened(agent, DATADOG_APPSEC_OBEYED), *second = NULL;
  pthread_t thread;
  char json[1024];
  snprintf(json, sizeof json, BLOCKED, "*/*");
  CHECK_INT(datadog_agent_appsec_add(request, NAMED(json)), DATADOG_OK);
  CHECK_INT(datadog_agent_stop(agent), DATADOG_OK);
  CHECK_INT(datadog_agent_appsec_open(agent, 0, &second), DATADOG_NULL_POINTER);
  CHECK(second == NULL);
  CHECK_INT(pthread_create(&thread, NULL, on_another_thread, request), 0);
  CHECK_INT(pthread_join(thread, NULL), 0);
  CHECK_INT(datadog_agent_appsec_free(request), DATADOG_OK);
}

/* The child tells that all is well, and dies without a word: what it inherits is nobody's, and no leak of ours. */
static void a_forked_child_leaves_requests_alone(DatadogAgent *agent) {
  DatadogAppSecRequest *request = opened(agent, 0);
  int status, ends[2];
  char word;
  pid_t child;
  CHECK_INT(pipe(ends), 0);
  child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    DatadogAppSecVerdict verdict;
    CHECK_INT(datadog_agent_appsec_add(request, NAMED("{}")), DATADOG_NOT_AVAILABLE);
    CHECK(last_error_has("forked"));
    CHECK_INT(datadog_agent_appsec_verdict(request, &verdict), DATADOG_NOT_AVAILABLE);
    check_allowed(&verdict);
    CHECK_INT(datadog_agent_appsec_free(request), DATADOG_OK);
    CHECK_INT(write(ends[1], "k", 1), 1);
    kill(getpid(), SIGKILL);
  }
  close(ends[1]);
  CHECK_INT(read(ends[0], &word, 1), 1);
  CHECK_INT(word, 'k');
  close(ends[0]);
  CHECK_INT(waitpid(child, &status, 0), child);
  CHECK(WIFSIGNALED(status));
  CHECK_INT(datadog_agent_appsec_free(request), DATADOG_OK);
}

static void it_works(void) {
  DatadogAgent *agent = agent_with(0);
  DatadogAppSecRequest *request = NULL;
  CHECK_INT(datadog_agent_appsec_open(agent, DATADOG_APPSEC_OBEYED, &request), DATADOG_CONFIG_ERROR);
  CHECK(last_error_has("appsec_blocking"));
  an_attack_in_a_body_or_an_answer_is_told(agent);
  CHECK_INT(datadog_agent_stop(agent), DATADOG_OK);
  agent = agent_with(1);
  an_attack_is_answered_with_a_page(agent, "text/html,*/*", "text/html");
  an_attack_is_answered_with_a_page(agent, "*/*", "application/json");
  what_cannot_be_read_is_refused(agent);
  a_forked_child_leaves_requests_alone(agent);
  CHECK_INT(datadog_agent_stop(agent), DATADOG_OK);
  a_request_outlives_its_agent_and_its_thread();
}

int main(void) {
  const char *firewall = getenv("FIREWALL");
  CHECK(firewall != NULL);
  if (strcmp(firewall, "absent") == 0) none_is_opened("this library was built without AppSec");
  else if (strcmp(firewall, "failed") == 0) none_is_opened("AppSec cannot run: libddwaf was not found");
  else it_works();
  return 0;
}
