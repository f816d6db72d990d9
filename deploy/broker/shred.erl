%% Removes from the disk what was taken out of the quorum queues: the node writes its log out into each queue's segments, and
%% each queue then drops those that hold nothing but what is gone. An expression for `rabbitmqctl eval`.
rabbit_quorum_queue:wal_force_roll_over(node()),
timer:sleep(2000),
[rabbit_quorum_queue:reclaim_memory(Host, Name) || {resource, Host, queue, Name} <-
    [amqqueue:get_name(Queue) || Queue <- rabbit_amqqueue:list_by_type(rabbit_quorum_queue)]].
