// The two players behind one face. Each reports CMCD version 2: request mode in the query of every segment and playlist,
// event mode to the session's beacons address.
import { playerEvents, playerStates } from '/assets/contracts.js';

const EVENTS = ['ps', 't', 'rr', 'e', 'bc', 'pr', 'b'];
const INTERVAL_S = 5;
/** Reports that travel together: few, so that what the platform says stays close to what happens. */
const BATCH = 3;
/** Without its keys a dash.js target reports neither session nor state. */
const KEYS = [
  'ab',
  'bg',
  'bl',
  'br',
  'bs',
  'bsa',
  'bsd',
  'bsda',
  'cid',
  'cs',
  'd',
  'dfa',
  'dl',
  'e',
  'ec',
  'lab',
  'lb',
  'ltc',
  'msd',
  'mtp',
  'nor',
  'nr',
  'ot',
  'pb',
  'pr',
  'pt',
  'rc',
  'rtp',
  'sf',
  'sid',
  'sn',
  'st',
  'sta',
  'su',
  'tab',
  'tb',
  'tbl',
  'tpb',
  'ts',
  'ttfb',
  'ttlb',
  'url',
  'v',
];

/**
 * hls.js reports the bitrate of its playhead (pb) with the requests of segments and in no report. The page adds it: with every report from
 * then on, and in a report of its own when it changes.
 */
const PLAYHEAD = 'eventstream-pb';

/** Plays HLS with hls.js. on: { loaded(url, pathway), switched(kbps), bitrate(kbps), failed(words), said(words) }. */
export function playHls(video, session, bufferSeconds, on) {
  let lastSequence = 0,
    reports = null;
  const target = {
    url: session.beaconsUrl,
    events: [...EVENTS, 'ce'],
    interval: INTERVAL_S,
    batchSize: BATCH,
    version: 2,
    includeKeys: [...KEYS, 'cen', PLAYHEAD],
  };
  const hls = new Hls({
    maxBufferLength: bufferSeconds,
    maxMaxBufferLength: bufferSeconds * 2,
    backBufferLength: 30,
    cmcd: {
      version: 2,
      sessionId: session.sessionId,
      contentId: session.videoId,
      useHeaders: false,
      includeKeys: KEYS,
      eventTargets: [target],
      reporterCallback: (custom) => {
        reports = custom;
      },
      loader: async (request) => {
        for (const match of String(request.body).matchAll(/(?:^|,)sn=(\d+)/gm))
          lastSequence = Math.max(lastSequence, Number(match[1]));
        const { status } = await fetch(request.url, {
          method: request.method,
          headers: request.headers,
          body: request.body,
          keepalive: true,
        });
        return { status };
      },
    },
  });
  hls.on(Hls.Events.FRAG_LOADED, (_, { frag }) => {
    if (frag.type === 'main') on.loaded(frag.url, hls.levels[frag.level]?.pathwayId);
  });
  hls.on(Hls.Events.LEVEL_SWITCHED, (_, { level }) => {
    const kbps = hls.levels[level].bitrate / 1000;
    reports?.updateCustomData({ [PLAYHEAD]: Math.round(kbps) });
    reports?.recordCustomEvent('level-switched');
    on.switched(kbps, `${hls.levels[level].height}p`);
  });
  hls.on(Hls.Events.STEERING_MANIFEST_LOADED, (_, { steeringManifest }) =>
    on.said(`steering: ${steeringManifest['PATHWAY-PRIORITY'].join(' › ')}`),
  );
  let recoveries = 3;
  hls.on(Hls.Events.ERROR, (_, error) => {
    if (!error.fatal) {
      on.said(`${error.details}, the player goes on`);
      return;
    }
    if (recoveries-- > 0 && error.type === Hls.ErrorTypes.MEDIA_ERROR) {
      hls.recoverMediaError();
      on.said(`${error.details}, recovering`);
      return;
    }
    if (recoveries > 0 && error.type === Hls.ErrorTypes.NETWORK_ERROR && hls.levels.length > 0) {
      setTimeout(() => hls.startLoad(), 1000);
      on.said(`${error.details}, trying again`);
      return;
    }
    on.failed(`hls.js: ${error.details}${error.response?.code ? ` (${error.response.code})` : ''}`);
  });
  hls.loadSource(session.hlsUrl);
  hls.attachMedia(video);
  video.play().catch(() => on.said('the browser waits for a click to play'));
  return {
    name: 'hls.js',
    version: Hls.version,
    bitrate: () => (hls.currentLevel >= 0 ? hls.levels[hls.currentLevel].bitrate / 1000 : null),
    stop: () => {
      hls.destroy();
      return lastSequence + 1;
    },
  };
}

/** Plays DASH with dash.js, with the same events. */
export function playDash(video, session, bufferSeconds, on) {
  const player = dashjs.MediaPlayer().create();
  player.updateSettings({
    debug: { logLevel: dashjs.Debug.LOG_LEVEL_NONE },
    streaming: {
      applyContentSteering: true,
      buffer: {
        bufferTimeDefault: bufferSeconds,
        bufferTimeAtTopQuality: bufferSeconds,
        bufferTimeAtTopQualityLongForm: bufferSeconds,
      },
      cmcd: {
        enabled: true,
        version: 2,
        sid: session.sessionId,
        cid: session.videoId,
        mode: 'query',
        enabledKeys: KEYS,
        includeInRequests: ['segment', 'mpd'],
        eventTargets: [
          {
            enabled: true,
            url: session.beaconsUrl,
            events: EVENTS,
            interval: INTERVAL_S,
            batchSize: BATCH,
            enabledKeys: KEYS,
            includeInRequests: ['segment', 'mpd'],
          },
        ],
      },
    },
  });
  const events = dashjs.MediaPlayer.events;
  const current = () => player.getCurrentRepresentationForType('video');
  const kbps = (representation) =>
    representation ? (representation.bitrateInKbit ?? representation.bandwidth / 1000) : null;
  player.on(events.FRAGMENT_LOADING_COMPLETED, ({ request }) => {
    if (request.mediaType === 'video' && request.type === 'MediaSegment')
      on.loaded(request.url, request.serviceLocation);
  });
  player.on(events.QUALITY_CHANGE_RENDERED, (change) => {
    if (change.mediaType === 'video') {
      const now = change.newRepresentation ?? current();
      on.switched(kbps(now), now?.height ? `${now.height}p` : '');
    }
  });
  player.on(events.CONTENT_STEERING_REQUEST_COMPLETED, ({ currentSteeringResponseData: said }) => {
    if (said?.pathwayPriority) on.said(`steering: ${said.pathwayPriority.join(' › ')}`);
  });
  player.on(events.ERROR, ({ error }) => on.failed(`dash.js: ${error?.message ?? error}`));
  player.initialize(video, session.dashUrl, true);
  return {
    name: 'dash.js',
    version: dashjs.Version ?? '',
    bitrate: () => {
      try {
        return kbps(current());
      } catch {
        return null;
      }
    },
    stop: () => {
      player.destroy();
      return null;
    },
  };
}

/** The last word of a session whose page is closed: the players themselves do not send state q (quit). */
export function quit(session, sequence) {
  const fields = [
    `cid="${session.videoId}"`,
    `e=${playerEvents.stateChange}`,
    `sid="${session.sessionId}"`,
    ...(sequence ? [`sn=${sequence}`] : []),
    `sta=${playerStates.quit}`,
    `ts=${Date.now()}`,
    'v=2',
  ];
  // Plain text needs no preflight, which a page that goes away could not wait for.
  navigator.sendBeacon(session.beaconsUrl, new Blob([`${fields.join(',')}\n`], { type: 'text/plain' }));
}
