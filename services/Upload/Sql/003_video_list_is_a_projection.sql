-- The list is a projection of the store, which creates its tables itself and fills them from the first event.
drop table video_list;
delete from checkpoints where reader = 'video-list';
