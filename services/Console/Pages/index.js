import { api, byId, enter, list, live, number, text } from '/assets/common.js';

const who = await enter();
api('/api/videos?limit=1')
  .then((answer) => text('videos', number(answer.total ?? list(answer, 'videos').length)))
  .catch(() => text('videos', '–'));
if (who.role === 'publisher') byId('platform').hidden = true;
else {
  live(['load', 'edges', 'processes'], {
    load: (all) => {
      const steps = all.viewers?.steps;
      if (steps?.length) text('viewers', number(steps.at(-1)[1]));
    },
    edges: (part) => {
      const all = list(part.value, 'edges');
      if (all.length) text('edges', `${all.filter((e) => (e.health ?? 1) > 0).length} of ${all.length}`);
    },
    processes: (part) => {
      const all = list(part.value, 'processes');
      if (all.length) text('processes', `${all.filter((p) => p.state === 'ready').length} of ${all.length}`);
    },
  });
}
