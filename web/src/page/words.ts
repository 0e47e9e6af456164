/** Every word on the page, in English and Chinese. */

export type Language = "en" | "zh";

export interface Words {
  readonly title: string;
  readonly lede: string;
  readonly nothingSent: string;
  readonly skip: string;
  readonly language: string;
  readonly theme: Readonly<Record<"auto" | "light" | "dark", string>>;
  readonly themeLabel: string;
  readonly search: string;
  readonly placeholder: string;
  readonly searchHint: string;
  readonly found: (count: number) => string;
  readonly noMatch: string;
  readonly liked: string;
  readonly likedNone: string;
  readonly start: string;
  readonly startNote: string;
  readonly forYou: string;
  readonly forYouNote: (count: number) => string;
  readonly like: (title: string) => string;
  readonly likeShort: string;
  readonly hide: (title: string) => string;
  readonly unlike: (title: string) => string;
  readonly because: string;
  readonly and: string;
  readonly more: string;
  readonly noMore: string;
  readonly added: (title: string) => string;
  readonly removed: (title: string) => string;
  readonly hidden: (title: string) => string;
  readonly updated: (count: number) => string;
  readonly device: string;
  readonly deviceNote: string;
  readonly speed: string;
  readonly speedNote: string;
  readonly size: string;
  readonly sizeNote: (catalogue: string, runtime: string) => string;
  readonly requests: string;
  readonly requestsNote: string;
  readonly offline: string;
  readonly offlineStates: Readonly<Record<"ready" | "getting" | "no", readonly [string, string]>>;
  readonly model: string;
  readonly modelFacts: readonly [string, string, string, string];
  readonly itemsKnown: (count: string) => string;
  readonly proof: string;
  readonly proofText: (equal: string, all: string, k: number) => string;
  readonly proofNone: string;
  readonly check: string;
  readonly checking: (done: number, all: number) => string;
  readonly checked: (equal: number, all: number, seconds: string) => string;
  readonly unverified: string;
  readonly data: string;
  readonly dataNote: string;
  readonly exportIt: string;
  readonly importIt: string;
  readonly clearIt: string;
  readonly clearAsk: string;
  readonly clearNote: string;
  readonly cancel: string;
  readonly cleared: string;
  readonly exported: string;
  readonly imported: (known: number, unknown: number) => string;
  readonly importBad: string;
  readonly notStored: string;
  readonly install: string;
  readonly newer: string;
  readonly reload: string;
  readonly loading: string;
  readonly failed: string;
  readonly failures: Readonly<Record<string, string>>;
  readonly details: string;
  readonly madeWith: string;
  readonly card: string;
  readonly licences: string;
}

type Kind = "films" | "items";

const english = (kind: Kind): Words => {
  const [one, many] = kind === "films" ? ["film", "films"] : ["item", "items"];
  return {
    title: kind === "films" ? "Films for you, found on your own device" : "Found for you, on your own device",
    lede: `Pick a few ${many} you like. The model that recommends runs inside this page, and answers at every click.`,
    nothingSent: "Nothing is sent anywhere. What you pick stays in this browser.",
    skip: "Skip to the recommendations",
    language: "Language",
    theme: { auto: "Auto", light: "Light", dark: "Dark" },
    themeLabel: "Colours",
    search: `Search for a ${one} you like`,
    placeholder: "Search by title",
    searchHint: "Up and down to choose, Enter to add, Escape to close.",
    found: (count) => (count === 1 ? "1 title found" : `${count} titles found`),
    noMatch: "No title has these words.",
    liked: "You like",
    likedNone: `No ${one} yet.`,
    start: "Start with one you like",
    startNote: `What most people took. Press the heart, or search for other ${many}.`,
    forYou: "For you",
    forYouNote: (count) => (count === 1 ? `From the one ${one} you picked.` : `From the ${count} ${many} you picked.`),
    like: (title) => `I like this: ${title}`,
    likeShort: "I like this",
    hide: (title) => `Not for me: ${title}`,
    unlike: (title) => `Remove ${title}`,
    because: "Because you liked ",
    and: " and ",
    more: "Show ten more",
    noMore: "That is all there is.",
    added: (title) => `Added ${title}.`,
    removed: (title) => `Removed ${title}.`,
    hidden: (title) => `${title} will not be shown again.`,
    updated: (count) => `${count} recommendations.`,
    device: "On this device",
    deviceNote: "Measured here and now, not in a laboratory.",
    speed: "for a list",
    speedNote: "the middle one of the calls so far",
    size: "the model",
    sizeNote: (catalogue, runtime) => `and ${catalogue} catalogue, ${runtime} runtime, before compression`,
    requests: "requests sent",
    requestsNote: "since this page was ready",
    offline: "Offline",
    offlineStates: {
      ready: ["Yes", "works without a network"],
      getting: ["Soon", "being kept for offline use"],
      no: ["No", "this browser or address cannot keep the page"],
    },
    model: "The model",
    modelFacts: ["Kind", "Knows", "Runs on", "Made"],
    itemsKnown: (count) => `${count} ${many}`,
    proof: "Same answers as the model it was made from",
    proofText: (equal, all, k) => `On ${equal} of ${all} recorded histories the top ${k} had the same order when the bundle was made.`,
    proofNone: "The bundle says nothing about it.",
    check: "Check it here",
    checking: (done, all) => `Checking: ${done} of ${all}`,
    checked: (equal, all, seconds) => `In this browser: ${equal} of ${all} lists are the same, checked in ${seconds} s.`,
    unverified: "This page came over plain http, where browsers compute no checksums: the files' sizes were compared, not their bytes.",
    data: "Your data",
    dataNote: "A short list of ids in this browser's storage, and nothing else. Take it along, bring it back, or throw it away.",
    exportIt: "Export",
    importIt: "Import…",
    clearIt: "Clear my data…",
    clearAsk: "Clear your data?",
    clearNote: "What you picked and hid is deleted from this browser. It is nowhere else.",
    cancel: "Keep it",
    cleared: "Your data is deleted.",
    exported: "Your list is saved as a file.",
    imported: (known, unknown) => `Imported ${known}.` + (unknown > 0 ? ` ${unknown} are not in this catalogue and were left out.` : ""),
    importBad: "This file is not a list that was exported here.",
    notStored: "This browser stores nothing for this page; your list ends with the visit. Export keeps it.",
    install: "Install as an app",
    newer: "A newer version of this page is ready.",
    reload: "Reload",
    loading: "Getting the model",
    failed: "The recommender could not start",
    failures: {
      "not-found": "A file of the model could not be fetched. Check the network, then reload.",
      "not-a-bundle": "What lies at the model's place is not a recsmith bundle.",
      "newer-schema": "The model is newer than this page. Whoever runs this site must build it again.",
      corrupt: "A file of the model is damaged: it is not the one that its maker signed off. Reload to fetch it again; if that does not help, whoever runs this site must upload it again.",
      mismatch: "The files of the model do not belong together. Whoever runs this site must export it again.",
      "no-runtime": "This browser cannot run the model: it needs WebAssembly. A current browser can.",
      "out-of-memory": "This browser has too little memory left for the model. Close other tabs, then reload.",
      failed: "The model stopped in the middle. Reload to start it again.",
      "invalid-value": "The page asked the model for something that it does not have.",
    },
    details: "Details for whoever runs this site",
    madeWith: "Made with recsmith.",
    card: "About this model",
    licences: "Licences",
  };
};

const chinese = (kind: Kind): Words => {
  const one = kind === "films" ? "电影" : "项目";
  const measure = kind === "films" ? "部" : "个";
  return {
    title: kind === "films" ? "为你选片，全在你的设备上" : "为你推荐，全在你的设备上",
    lede: `挑几${measure}你喜欢的${one}。推荐模型就在这个网页里运行，每次点击都会立即给出新的结果。`,
    nothingSent: "不向任何地方发送数据。你的选择只留在这个浏览器里。",
    skip: "跳到推荐结果",
    language: "语言",
    theme: { auto: "自动", light: "浅色", dark: "深色" },
    themeLabel: "配色",
    search: `搜索你喜欢的${one}`,
    placeholder: kind === "films" ? "按片名搜索（原名）" : "按名称搜索",
    searchHint: "上下键选择，回车添加，Esc 关闭。",
    found: (count) => `找到 ${count} 个结果`,
    noMatch: "没有符合的名称。",
    liked: "你喜欢的",
    likedNone: `还没有选择${one}。`,
    start: "先选一" + measure + "你喜欢的",
    startNote: `这些是最受欢迎的。点心形，或搜索其他${one}。`,
    forYou: "为你推荐",
    forYouNote: (count) => `根据你选的 ${count} ${measure}${one}。`,
    like: (title) => `我喜欢《${title}》`,
    likeShort: "我喜欢",
    hide: (title) => `不感兴趣：《${title}》`,
    unlike: (title) => `移除《${title}》`,
    because: "因为你喜欢 ",
    and: " 和 ",
    more: "再看十" + measure,
    noMore: "没有更多了。",
    added: (title) => `已添加《${title}》。`,
    removed: (title) => `已移除《${title}》。`,
    hidden: (title) => `不再显示《${title}》。`,
    updated: (count) => `${count} 条推荐。`,
    device: "就在这台设备上",
    deviceNote: "此时此地的实测，不是实验室数据。",
    speed: "生成一份推荐",
    speedNote: "到目前为止各次调用的中位数",
    size: "模型大小",
    sizeNote: (catalogue, runtime) => `另有目录 ${catalogue}，运行库 ${runtime}（压缩前）`,
    requests: "次网络请求",
    requestsNote: "自页面就绪以来",
    offline: "离线可用",
    offlineStates: {
      ready: ["是", "没有网络也能使用"],
      getting: ["稍候", "正在保存以供离线使用"],
      no: ["否", "此浏览器或网址无法保存页面"],
    },
    model: "模型",
    modelFacts: ["类型", "收录", "运行方式", "制作时间"],
    itemsKnown: (count) => `${count} ${measure}${one}`,
    proof: "与原模型答案一致",
    proofText: (equal, all, k) => `制作时，在 ${all} 份记录的历史中，有 ${equal} 份的前 ${k} 名顺序完全相同。`,
    proofNone: "模型包中没有这项记录。",
    check: "在这里验证",
    checking: (done, all) => `正在验证：${done} / ${all}`,
    checked: (equal, all, seconds) => `在这个浏览器里：${all} 份中有 ${equal} 份完全相同，用时 ${seconds} 秒。`,
    unverified: "此页面通过普通 http 打开，浏览器不计算校验和：只比较了文件大小，没有比较内容。",
    data: "你的数据",
    dataNote: "只是存在这个浏览器里的一小串编号，别无其他。可以带走、带回，也可以删掉。",
    exportIt: "导出",
    importIt: "导入…",
    clearIt: "清除我的数据…",
    clearAsk: "要清除你的数据吗？",
    clearNote: "你选择和隐藏的内容将从这个浏览器中删除。别处没有备份。",
    cancel: "保留",
    cleared: "你的数据已删除。",
    exported: "列表已保存为文件。",
    imported: (known, unknown) => `已导入 ${known} 项。` + (unknown > 0 ? `有 ${unknown} 项不在目录中，已忽略。` : ""),
    importBad: "这个文件不是从这里导出的列表。",
    notStored: "这个浏览器不为此页面保存数据；关闭后列表就会消失。可用“导出”保存。",
    install: "安装为应用",
    newer: "此页面有新版本。",
    reload: "重新加载",
    loading: "正在获取模型",
    failed: "推荐器无法启动",
    failures: {
      "not-found": "无法获取模型文件。请检查网络后重新加载。",
      "not-a-bundle": "模型所在位置的内容不是 recsmith 模型包。",
      "newer-schema": "模型比此页面新。请网站维护者重新构建网站。",
      corrupt: "模型文件已损坏，与制作者记录的不一致。请重新加载；如果仍然不行，请网站维护者重新上传。",
      mismatch: "模型的各个文件不匹配。请网站维护者重新导出。",
      "no-runtime": "这个浏览器无法运行模型：需要 WebAssembly。请使用较新的浏览器。",
      "out-of-memory": "浏览器内存不足，无法载入模型。请关闭其他标签页后重新加载。",
      failed: "模型中途停止。请重新加载。",
      "invalid-value": "页面向模型请求了它没有的内容。",
    },
    details: "给网站维护者的详细信息",
    madeWith: "由 recsmith 制作。",
    card: "关于此模型",
    licences: "许可证",
  };
};

/** Returns the page's words. */
export function wordsOf(language: Language, kind: Kind): Words {
  return language === "zh" ? chinese(kind) : english(kind);
}

const GENRES_ZH: Readonly<Record<string, string>> = {
  Action: "动作",
  Adventure: "冒险",
  Animation: "动画",
  Children: "儿童",
  "Children's": "儿童",
  Comedy: "喜剧",
  Crime: "犯罪",
  Documentary: "纪录",
  Drama: "剧情",
  Fantasy: "奇幻",
  "Film-Noir": "黑色电影",
  Horror: "恐怖",
  IMAX: "IMAX",
  Musical: "歌舞",
  Mystery: "悬疑",
  Romance: "爱情",
  "Sci-Fi": "科幻",
  Thriller: "惊悚",
  War: "战争",
  Western: "西部",
};

/** Returns a genre's name; one that the table does not know stays as it is. */
export function genreWord(genre: string, language: Language): string {
  return language === "zh" ? (GENRES_ZH[genre] ?? genre) : genre;
}

/** Returns the language to begin with: the one chosen before, else the browser's. */
export function firstLanguage(chosen: string | null): Language {
  if (chosen === "en" || chosen === "zh") return chosen;
  return navigator.languages.some((tag) => /^zh\b/i.test(tag)) && !/^en\b/i.test(navigator.language) ? "zh" : "en";
}
