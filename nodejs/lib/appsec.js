'use strict';

// Requests for the firewall to look at: what is given of one, what should become of it, what its span is to carry.

const { DatadogAgentException, DatadogError } = require('./errors');

/** Flag of `datadog_agent_appsec_open`. */
const OBEYED = 1;

const AppSecAction = Object.freeze({ ALLOW: 0, BLOCK: 1, REDIRECT: 2 });

const DISPOSE = Symbol.dispose ?? Symbol.for('nodejs.dispose');

/** Frees requests that nobody closed. */
const forgotten = new FinalizationRegistry(({ requests, pointer }) => requests.free(pointer));

class AppSecRequest {
  #requests;
  #pointer;

  constructor(requests, pointer) {
    this.#requests = requests;
    this.#pointer = pointer;
    forgotten.register(this, { requests, pointer }, this);
  }

  add(addresses) {
    this.#requests.add(this.#openPointer(), JSON.stringify(addresses));
  }

  addBody(body, contentType = null) {
    this.#requests.addBody(this.#openPointer(), 'server.request.body', bytesOf(body), contentType);
  }

  addResponseBody(body, contentType = null) {
    this.#requests.addBody(this.#openPointer(), 'server.response.body', bytesOf(body), contentType);
  }

  verdict() {
    const verdict = this.#requests.verdict(this.#openPointer());
    return Object.freeze({
      action: verdict.action,
      isAllowed: verdict.action === AppSecAction.ALLOW,
      status: verdict.status === 0 ? null : verdict.status,
      grpcStatus: verdict.grpc_status < 0 ? null : verdict.grpc_status,
      contentType: verdict.content_type,
      body: verdict.body,
      location: verdict.location,
      securityResponseId: verdict.security_response_id,
    });
  }

  tags(span = null) {
    return JSON.parse(this.#requests.tags(this.#openPointer(), span === null ? null : JSON.stringify(span)));
  }

  close() {
    if (this.#pointer === null) {
      return;
    }
    forgotten.unregister(this);
    this.#requests.free(this.#pointer);
    this.#pointer = null;
  }

  [DISPOSE]() {
    this.close();
  }

  #openPointer() {
    if (this.#pointer === null) {
      throw new DatadogAgentException('the request was closed', DatadogError.NULL_POINTER);
    }
    return this.#pointer;
  }
}

function bytesOf(body) {
  if (typeof body === 'string') {
    return Buffer.from(body);
  }
  if (!(body instanceof Uint8Array)) {
    throw new TypeError(`a body must be a Uint8Array or a string, not ${typeof body}`);
  }
  return body;
}

module.exports = { AppSecAction, AppSecRequest, OBEYED };
