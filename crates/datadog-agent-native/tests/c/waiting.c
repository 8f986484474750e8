/* Waiting in one thread while another asks for the end, flushes or stops. */

#include "check.h"

struct Wait {
  DatadogAgent *agent;
  int timeout_ms;
  int reason;
  long returned_ms;
};

static void *waits(void *argument) {
  struct Wait *wait = (struct Wait *)argument;
  wait->reason = wait->timeout_ms < 0 ? datadog_agent_wait_for_shutdown(wait->agent)
                                      : datadog_agent_wait_for_shutdown_timeout(wait->agent, wait->timeout_ms);
  wait->returned_ms = now_ms();
  return NULL;
}

static pthread_t wait_in_a_thread(struct Wait *wait, DatadogAgent *agent, int timeout_ms) {
  pthread_t thread;
  wait->agent = agent;
  wait->timeout_ms = timeout_ms;
  wait->reason = -7;
  CHECK_INT(pthread_create(&thread, NULL, waits, wait), 0);
  return thread;
}

int main(void) {
  DatadogAgentOptions options = options_ephemeral();
  DatadogAgent *agent = started(&options).agent;
  struct Wait one, other;
  pthread_t first, second;
  long asked;

  CHECK_INT(datadog_agent_wait_for_shutdown_timeout(agent, 0), 3);
  CHECK_INT(datadog_agent_wait_for_shutdown_timeout(agent, 20), 3);

  /* Everybody who waits is woken by a request. */
  first = wait_in_a_thread(&one, agent, -1);
  second = wait_in_a_thread(&other, agent, 600000);
  sleep_ms(50);
  CHECK_INT(datadog_agent_flush(agent, 1000), DATADOG_OK);
  asked = now_ms();
  CHECK_INT(datadog_agent_request_shutdown(agent), DATADOG_OK);
  CHECK_INT(pthread_join(first, NULL), 0);
  CHECK_INT(pthread_join(second, NULL), 0);
  CHECK_INT(one.reason, 0);
  CHECK_INT(other.reason, 0);
  /* At once, as far as a loaded machine knows that. */
  CHECK(one.returned_ms - asked < 5000);
  /* The agent runs until it is stopped; who waits now is told at once. */
  CHECK_INT(datadog_agent_wait_for_shutdown(agent), 0);
  CHECK_INT(datadog_agent_stop(agent), DATADOG_OK);

  /* A stop wakes them too. */
  agent = started(&options).agent;
  first = wait_in_a_thread(&one, agent, 600000);
  sleep_ms(50);
  CHECK_INT(datadog_agent_stop(agent), DATADOG_OK);
  CHECK_INT(pthread_join(first, NULL), 0);
  /* A wait that had not begun when the agent was stopped finds none. */
  CHECK(one.reason == 0 || one.reason == -1);
  return 0;
}
