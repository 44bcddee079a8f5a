// The clock stands still at the moment of the recording, or "3 hours ago" would read otherwise at each drawing.
{
  const now = window.STAGE.recording.now * 1000;
  const Real = Date;
  window.Date = class extends Real {
    constructor(...told) {
      super(...(told.length ? told : [now]));
    }
    static now() {
      return now;
    }
  };
}
