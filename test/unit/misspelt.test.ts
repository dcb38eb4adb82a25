import { describe, expect, it } from 'vitest';
import { misspelt } from '../../src/config.ts';

describe('misspelt', () => {
  it.each([
    ['ALLOWED_ORIGIN', 'ALLOWED_ORIGINS'],
    ['ALOWED_ORIGIN', 'ALLOWED_ORIGINS'],
    ['UPSTREAM_CALL_PER_MINUTE', 'UPSTREAM_CALLS_PER_MINUTE'],
    ['AUTH_JWT_SECRETS', 'AUTH_JWT_SECRET'],
    ['AUTH_JWKS_URI', 'AUTH_JWKS_URL'],
    ['ONECLICK_API_KEY', 'ONECLICKDZ_API_KEY'],
    ['ONECLICKDZ_APIKEY', 'ONECLICKDZ_API_KEY'],
    ['MAX_QUERY_DEPHT', 'MAX_QUERY_DEPTH'],
    ['MAX_CONNECTION', 'MAX_CONNECTIONS'],
    ['TRUST_PROXYS', 'TRUST_PROXY'],
    ['CARD_CODES_KEYS', 'CARD_CODE_KEYS'],
    ['UPSTREAM_TIMEOUT', 'UPSTREAM_TIMEOUT_MS'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['log_level', 'LOG_LEVEL'],
    ['DATABASE_URI', 'DATABASE_URL'],
  ])('%s was meant to be %s', (name, meant) => {
    expect(misspelt({ [name]: 'x' })).toEqual([
      `${name} is ignored: it was probably meant to be ${meant}`,
    ]);
  });

  it('says nothing of a name whose right spelling is set as well', () => {
    expect(misspelt({ DATABASE_URL: 'file:x', DATABASE_URI: 'postgres://x' })).toEqual([]);
  });

  it('says nothing of what is right', () => {
    expect(misspelt({ ONECLICKDZ_API_KEY: 'k', PORT: '1', AUTH: 'none', LOG_LEVEL: '' })).toEqual(
      [],
    );
  });

  it.each([
    [
      'a shell',
      'PATH HOME USER SHELL PWD OLDPWD LANG LC_ALL TERM EDITOR PAGER LOGNAME HISTFILE SHLVL _',
    ],
    [
      'a Mac',
      '__CF_USER_TEXT_ENCODING TMPDIR SSH_AUTH_SOCK COMMAND_MODE XPC_SERVICE_NAME LaunchInstanceID',
    ],
    [
      'Windows',
      'APPDATA ComSpec HOMEDRIVE HOMEPATH LOGONSERVER NUMBER_OF_PROCESSORS PATHEXT PROCESSOR_LEVEL',
    ],
    [
      'Node and npm',
      'NODE_ENV NODE_OPTIONS NODE_EXTRA_CA_CERTS npm_config_loglevel npm_package_name INIT_CWD',
    ],
    ['Docker', 'HOSTNAME NODE_VERSION YARN_VERSION TZ DEBIAN_FRONTEND'],
    [
      'Kubernetes',
      'KUBERNETES_SERVICE_HOST KUBERNETES_PORT_443_TCP_ADDR AUTH_PORT AUTH_SERVICE_HOST DATABASE_SERVICE_PORT ' +
        'GATEWAY_PORT_4000_TCP LOG_LEVEL_SERVICE_HOST POD_NAME POD_IP',
    ],
    [
      'Heroku',
      'DYNO DATABASE_URL REDIS_URL WEB_CONCURRENCY HEROKU_POSTGRESQL_RED_URL WEB_MEMORY PORT',
    ],
    [
      'systemd',
      'INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET LISTEN_FDS MAINPID CREDENTIALS_DIRECTORY',
    ],
    [
      'a shop',
      'DATABASE_HOST DATABASE_USER DB_MAX_CONNECTIONS MIN_CONNECTIONS AUTH0_ISSUER AUTH0_AUDIENCE OAUTH_ISSUER ' +
        'AUTH_SECRET AUTH_URL JWT_SECRET BASE_URL API_KEY RUST_LOG LOG_FORMAT HTTPS_PROXY NO_PROXY CORS_ORIGINS',
    ],
  ])('does not cry wolf in the environment of %s', (_of, names) => {
    const environment = Object.fromEntries(names.split(' ').map((name) => [name, 'x']));
    expect(misspelt(environment)).toEqual([]);
  });

  it('does not cry wolf here', () => {
    expect(misspelt(process.env)).toEqual([]);
  });
});
