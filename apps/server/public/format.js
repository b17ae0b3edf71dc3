export function count(value) {
  return value.toLocaleString('en-US');
}

/** 0.4, 12, 1,250: as many digits as one reads at a glance. */
export function rate(value) {
  if (value === 0) return '0';
  return value < 10 ? value.toFixed(1) : count(Math.round(value));
}

export function bytes(value) {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let size = value;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

export function duration(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

export function ago(iso, now) {
  return `${duration(Math.max(0, (now - Date.parse(iso)) / 1000))} ago`;
}

export function time(iso) {
  return new Date(iso).toLocaleTimeString('en-GB');
}
