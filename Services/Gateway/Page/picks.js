// Videos for those whom nobody recognises: from the catalogue that ships with Mien, so that nothing has to be asked or kept.

/** What stands here before the first picture: the paper's video, and three links. */
export const OPENING = ["gf6v59c5yuY", "Hotel California - Reimagined on the Traditional Chinese Guzheng"];

const DEFAULTS = [
  ["ZbZSe6N_BXs", "Pharrell Williams - Happy"],
  ["Rv9hn4IGofM", "Iguana vs Snakes - Planet Earth II"],
  ["vmDDOFXSgAs", "Dave Brubeck - Take Five"],
];

const BY_MOOD = {
  happy: [
    ["ZbZSe6N_BXs", "Pharrell Williams - Happy"], ["HgzGwKwLmgM", "Queen - Don't Stop Me Now (Official Video)"],
    ["aQUlA8Hcv4s", "Electric Light Orchestra - Mr. Blue Sky"], ["YXnjy5YlDwk", "Marc Anthony - Vivir Mi Vida"],
    ["iPUmE-tne5U", "Katrina & The Waves - Walking On Sunshine"], ["dMH0bHeiRNg", "Evolution of Dance"],
  ],
  surprised: [
    ["Rv9hn4IGofM", "Iguana vs Snakes - Planet Earth II"], ["fRj34o4hN4I", "What's new, Atlas?"],
    ["921VbEMAwwY", "Starship Mission to Mars"], ["2awbKQ2DLRE", "Musical Fire Table!"],
    ["QqsLTNkzvaY", "What If You Fall into a Black Hole?"], ["uT3SBzmDxGk", "2CELLOS - Thunderstruck [OFFICIAL VIDEO]"],
  ],
  neutral: [
    ["vmDDOFXSgAs", "Dave Brubeck - Take Five"], ["62tIvfP9A2w", "The most feared song in jazz, explained"],
    ["HzzmqUoQobc", "Why we really really really like repetition in music"], ["ylXk1LBvIqU", "Miles Davis - So What"],
    ["eIho2S0ZahI", "How to speak so that people want to listen | Julian Treasure"], ["7Pq-S557XQU", "Humans Need Not Apply"],
  ],
  upset: [
    ["fOZ-MySzAac", "Bill Withers - Lean On Me"], ["QDYfEBY9NM4", "The Beatles - Let It Be"],
    ["O-6f5wQXSu8", "10-Minute Meditation For Anxiety"], ["k4V3Mo61fJM", "Coldplay - Fix You"],
    ["4G-YQA_bsOU", "Simon & Garfunkel - Bridge Over Troubled Water"], ["d_HlPboLRL8", "AURORA - Runaway"],
  ],
};

const ranked = source => ([video_id, title], index) => ({ video_id, title, source, rank: index + 1 });

/** Three links for somebody who comes for the first time. */
export const defaults = () => DEFAULTS.map(ranked("default"));

/** Six for a mood; that of a face is all they depend on. */
export const picksFor = mood => (BY_MOOD[mood] ?? BY_MOOD.neutral).map(ranked("mood"));
