/** An answer that is no success: the server's code, message and hint. */
export class ApiFailure extends Error {
  constructor(status, { code, message, hint }) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

export function getJson(path) {
  return send(path, {});
}

export function postJson(path, body, signal) {
  return send(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-clicklake-console': '1' },
    body: JSON.stringify(body),
    signal,
  });
}

async function send(path, options) {
  const response = await fetch(path, options).catch((error) => {
    if (error.name === 'AbortError') throw error;
    throw new ApiFailure(0, {
      code: 'no-answer',
      message: 'clicklake does not answer.',
      hint: 'Try again when it is back.',
    });
  });
  const body = await response.json();
  if (!response.ok) throw new ApiFailure(response.status, body);
  return body;
}
